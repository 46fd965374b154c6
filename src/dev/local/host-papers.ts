import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type EnrolledIdentity, EnrolmentRefusedError } from '../../agent/enrolment.ts';
import type { SimulatedHost } from '../../agent/simulated-host.ts';
import { systemClock } from '../../kube/clock.ts';
import { makeSshHostKey } from '../ssh-host-key.ts';
import { OPERATOR_COMMAND } from './publish.ts';
import type { FleetDesign } from './release.ts';

/** A host's key and the token that it may enrol with once. */
export interface HostPapers {
  readonly name: string;
  /** The text of its ssh_host_ed25519_key. */
  readonly hostKey: string;
  /** The line that the fleet declares. */
  readonly pubkey: string;
  /** The text of its bootstrap token, and the file that it is in. */
  readonly token: string;
  readonly tokenFile: string;
}

/** Paths of the keys that papers are made with, and where they go. */
export interface PaperDesk {
  /** Keys and tokens of the hosts. */
  readonly folder: string;
  /** Signs tokens. */
  readonly orgRootKey: string;
}

const RETRY_MS = 10_000;
const run = promisify(execFile);

/**
 * Does what an organisation does for new hosts: makes an SSH key for each and mints a token for it with the command that
 * people use. Their nonces are on no list yet.
 */
export async function makeHostPapers(desk: PaperDesk, fleet: FleetDesign): Promise<HostPapers[]> {
  await mkdir(desk.folder, { recursive: true });
  return Promise.all(fleet.hosts.map(async ({ name }) => papersOf(desk, name)));
}

async function papersOf(desk: PaperDesk, name: string): Promise<HostPapers> {
  const { privateText, publicLine } = makeSshHostKey(`root@${name}`);
  const keyFile = join(desk.folder, `${name}.ssh_host_ed25519_key`);
  await writeFile(keyFile, privateText, { mode: 0o600 });
  await writeFile(`${keyFile}.pub`, `${publicLine}\n`);
  const tokenFile = join(desk.folder, `${name}.token.json`);
  const host = ['--hostname', name, '--host-pubkey', `${keyFile}.pub`];
  await runNixfleet(['mint-token', ...host, '--org-root-key', desk.orgRootKey, '--out', tokenFile]);
  return {
    name,
    hostKey: privateText,
    pubkey: publicLine,
    token: await readFile(tokenFile, 'utf8'),
    tokenFile,
  };
}

/** The fleet with the keys that its hosts were given; without one a host cannot enrol. */
export function declarePubkeys(fleet: FleetDesign, papers: readonly HostPapers[]): FleetDesign {
  const pubkeys = new Map(papers.map(({ name, pubkey }) => [name, pubkey]));
  return { ...fleet, hosts: fleet.hosts.map((host) => ({ ...host, pubkey: pubkeys.get(host.name) ?? '' })) };
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

/** Runs `nixfleet-operator` with our own Node. Rejects with its stderr. */
export async function runNixfleet(args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  await run(OPERATOR_COMMAND, [...args], { env });
}
