import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { mintAgentCertificate } from '../agent-ca.ts';
import { CN_SUFFIX, FLEET, type Installation } from '../local/installation.ts';
import { fleetOf } from '../local/publish.ts';
import { fleetResolved } from '../local/release.ts';

/** The host of the sample that has a certificate. */
export const SAMPLE_HOST = 'web-01';
/** The ConfigMap that the sample's Fleet takes its release from. */
export const SAMPLE_CONFIG_MAP = `${FLEET}-release`;
export const SAMPLE_ROLLOUT = 'lab@a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
export const SAMPLE_TARGET = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
export const SAMPLE_PRIOR = '0000000000000000000000000000000p-nixos-system-web-01-25.11';

/** Writes what the printed commands work with: an unsigned fleet, a Fleet, and a client certificate. */
export async function writeSample({ folder, agentCa }: Installation): Promise<void> {
  await mkdir(join(folder, 'sample'), { recursive: true });
  const fleet = fleetResolved(
    {
      hosts: [{ name: SAMPLE_HOST, channel: 'lab', tags: [] }],
      waves: { lab: [[SAMPLE_HOST]] },
      soakMinutes: 0,
      onHealthFailure: 'rollback-and-halt',
      channelEdges: [],
      budgets: [],
    },
    { commit: SAMPLE_ROLLOUT.slice('lab@'.length), signedAt: null, closureOf: () => SAMPLE_TARGET },
  );
  await keep(join(folder, 'sample', 'fleet.resolved.json'), `${JSON.stringify(fleet, null, 2)}\n`);
  await keep(join(folder, 'sample', 'fleet.yaml'), stringify(fleetOf(SAMPLE_CONFIG_MAP)));
  const certificate = await mintAgentCertificate(agentCa, { machineId: SAMPLE_HOST, suffix: CN_SUFFIX });
  await writeFile(join(folder, `${SAMPLE_HOST}-key.pem`), certificate.keyPem, { mode: 0o600 });
  await writeFile(join(folder, `${SAMPLE_HOST}.pem`), certificate.certPem);
}

/** What people have changed stays as it is. */
async function keep(path: string, text: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) await writeFile(path, text);
}
