import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EnrolledIdentity, EnrolmentRefusedError } from '../../agent/enrolment.ts';
import { readHostKey } from '../../agent/openssh-key.ts';
import type { SimulatedHost } from '../../agent/simulated-host.ts';
import { systemClock } from '../../kube/clock.ts';
import { FLEET, NAMESPACE, type Installation } from '../local/installation.ts';
import { OPERATOR_COMMAND } from '../local/publish.ts';
import type { FleetDesign } from '../local/release.ts';
import { makeSshHostKey } from '../ssh-host-key.ts';

/** A host's key and the token that it may enrol with once. */
export interface HostPapers {
  readonly name: string;
  /** The text of its ssh_host_ed25519_key. */
  readonly hostKey: string;
  /** The line that the fleet declares. */
  readonly pubkey: string;
  /** The text of its bootstrap token. */
  readonly token: string;
}

/** The ConfigMap and key of the signed nonce list. */
export const NONCES = { name: `${FLEET}-nonces`, key: 'bootstrap-nonces.json' } as const;

const RETRY_MS = 10_000;
const run = promisify(execFile);

/**
 * Does what an organisation does for new hosts: makes an SSH key for each, mints a token for it, and has CI list the
 * tokens' nonces, all with the commands that people use. Applies the list.
 */
export async function makePapers(installation: Installation, fleet: FleetDesign): Promise<HostPapers[]> {
  const folder = join(installation.folder, 'hosts');
  await mkdir(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  const papers = await Promise.all(
    fleet.hosts.map(async ({ name }) => {
      const { privateText, publicLine } = makeSshHostKey(`root@${name}`);
      const pubFile = file(`${name}.ssh_host_ed25519_key.pub`);
      await writeFile(file(`${name}.ssh_host_ed25519_key`), privateText, { mode: 0o600 });
      await writeFile(pubFile, `${publicLine}\n`);
      const out = file(`${name}.token.json`);
      const key = installation.files.orgRootKey;
      await command(
        'mint-token',
        '--hostname',
        name,
        '--host-pubkey',
        pubFile,
        '--org-root-key',
        key,
        '--out',
        out,
      );
      return { name, hostKey: privateText, pubkey: publicLine, token: await readFile(out, 'utf8') };
    }),
  );
  const list = file(NONCES.key);
  const tokens = papers.map(({ name }) => file(`${name}.token.json`));
  await command('mint-nonces', '--key', installation.files.ciKey, '--out', list, ...tokens);
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

/** A host that boots: it enrols, however long that takes, and its agent starts. Rejects where it is refused. */
export async function bootHost(
  host: SimulatedHost,
  identity: EnrolledIdentity,
  { token }: HostPapers,
  options: { readonly factor: number; readonly signal: AbortSignal },
): Promise<void> {
  const { factor, signal } = options;
  for (;;) {
    try {
      await identity.enrol(token, { clock: systemClock, retryMs: RETRY_MS / factor, signal });
      break;
    } catch (error) {
      if (signal.aborted || error instanceof EnrolmentRefusedError) throw error;
      // No connection: the agent's process ends, and systemd starts it again.
      await systemClock.sleep(RETRY_MS / factor, signal);
    }
  }
  host.start();
}

async function configMapOf(list: string): Promise<object> {
  const metadata = { name: NONCES.name, namespace: NAMESPACE };
  const data = { [NONCES.key]: await readFile(list, 'utf8') };
  const binaryData = { [`${NONCES.key}.sig`]: (await readFile(`${list}.sig`)).toString('base64') };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data, binaryData };
}

async function command(...args: string[]): Promise<void> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  await run(OPERATOR_COMMAND, args, { env });
}
