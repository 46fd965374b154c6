// The guardian owns the child processes of a local control plane. Its stdin is a pipe whose other end only its parent
// holds: when the parent dies, SIGKILL included, the kernel closes that pipe, and the guardian ends the children and
// removes the folder if it is a throw-away one. It runs in a session of its own, so a terminal's Ctrl-C misses it.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardianCommand, GuardianReport } from './guardian-protocol.ts';
import { tryLock } from './named-lock.ts';

const LOCK_ATTEMPTS = 30;
const LOCK_PAUSE_MS = 200;
const TERM_GRACE_MS = 5_000;

const children = new Map<string, ChildProcess>();
const keptFolder = process.argv[2] ?? '';
let folder = keptFolder;
let ending = false;

function report(message: GuardianReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** A second line of defence where util-linux is there: the kernel kills the child if the guardian is killed as well. */
function withDeathSignal(file: string, args: string[]): [string, string[]] {
  const setpriv = '/usr/bin/setpriv';
  try {
    accessSync(setpriv, constants.X_OK);
    return [setpriv, ['--pdeathsig', 'KILL', '--', file, ...args]];
  } catch {
    return [file, args];
  }
}

function start(command: Extract<GuardianCommand, { op: 'start' }>): void {
  const log = openSync(command.logFile, 'a', 0o600);
  const [file, args] = withDeathSignal(command.file, command.args);
  const child = spawn(file, args, { stdio: ['ignore', log, log], cwd: folder });
  closeSync(log);
  children.set(command.name, child);
  child.once('error', (error) => report({ type: 'failed', message: `${command.file}: ${error.message}` }));
  child.once('spawn', () => report({ type: 'started', name: command.name, pid: child.pid ?? -1 }));
  child.once('exit', (code, signal) => {
    if (children.get(command.name) === child) children.delete(command.name);
    report({ type: 'exited', name: command.name, code, signal });
  });
}

function obey(line: string): void {
  const command: GuardianCommand = JSON.parse(line); // written by guardian-client.ts of this same version
  switch (command.op) {
    case 'start':
      start(command);
      break;
    case 'signal':
      children.get(command.name)?.kill(command.signal);
      break;
  }
}

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  const keep = keptFolder !== '';
  const exits = [...children.values()].map(
    async (child) => new Promise((resolve) => child.once('exit', resolve)),
  );
  // A kept etcd gets the time to close its files; everything else can go at once. SIGCONT: it may be paused.
  for (const [name, child] of children) {
    child.kill(keep && name === 'etcd' ? 'SIGTERM' : 'SIGKILL');
    child.kill('SIGCONT');
  }
  await Promise.race([Promise.all(exits), sleep(TERM_GRACE_MS, undefined, { ref: false })]);
  for (const child of children.values()) child.kill('SIGKILL');
  await Promise.all(exits);
  if (!keep && folder !== '') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(exitCode);
}

async function prepareFolder(): Promise<void> {
  if (keptFolder === '') {
    folder = mkdtempSync(join(tmpdir(), 'nixfleet-control-plane-'));
    return;
  }
  mkdirSync(keptFolder, { recursive: true, mode: 0o700 });
  folder = realpathSync(keptFolder);
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt += 1) {
    // Held until this process ends. The one before may still be closing etcd, hence the attempts.
    if ((await tryLock(`control-plane:${folder}`)) !== undefined) return;
    await sleep(LOCK_PAUSE_MS);
  }
  throw new Error(
    `another control plane is using ${folder}: stop it, or choose another folder (STATE=… with make up)`,
  );
}

process.stdout.on('error', () => undefined); // the parent is gone; the end of stdin says so, too
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(1));
process.on('uncaughtException', (error) => {
  report({ type: 'failed', message: `guardian: ${error.message}` });
  void end(1);
});

const input = createInterface({ input: process.stdin });
input.on('line', obey);
input.on('close', () => void end(Number(process.exitCode ?? 0)));
try {
  await prepareFolder();
  report({ type: 'ready', folder });
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  input.close();
}
