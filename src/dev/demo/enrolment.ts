import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnrolledIdentity } from '../../agent/enrolment.ts';
import { readHostKey } from '../../agent/openssh-key.ts';
import { type HostPapers, makeHostPapers, runNixfleet } from '../local/host-papers.ts';
import { FLEET, NAMESPACE, type Installation } from '../local/installation.ts';
import type { FleetDesign } from '../local/release.ts';

/** The ConfigMap and key of the signed nonce list. */
export const NONCES = { name: `${FLEET}-nonces`, key: 'bootstrap-nonces.json' } as const;

/** Makes keys and tokens for the hosts of the fleet and applies the signed list of their nonces. */
export async function makePapers(installation: Installation, fleet: FleetDesign): Promise<HostPapers[]> {
  const folder = join(installation.folder, 'hosts');
  const list = join(folder, NONCES.key);
  const { orgRootKey, ciKey } = installation.files;
  const papers = await makeHostPapers({ folder, orgRootKey }, fleet);
  const tokens = papers.map(({ tokenFile }) => tokenFile);
  await runNixfleet(['mint-nonces', '--key', ciKey, '--out', list, ...tokens]);
  await installation.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(await configMapOf(list)));
  return papers;
}

/** The identity of a host that has not enrolled yet. */
export function identityOf(
  installation: Installation,
  controlPlaneUrl: string,
  papers: HostPapers,
): EnrolledIdentity {
  const { name, hostKey } = papers;
  const caPem = installation.agentCa.certPem;
  return new EnrolledIdentity({ controlPlaneUrl, caPem, machineId: name, hostKey: readHostKey(hostKey) });
}

async function configMapOf(list: string): Promise<object> {
  const metadata = { name: NONCES.name, namespace: NAMESPACE };
  const data = { [NONCES.key]: await readFile(list, 'utf8') };
  const binaryData = { [`${NONCES.key}.sig`]: (await readFile(`${list}.sig`)).toString('base64') };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data, binaryData };
}
