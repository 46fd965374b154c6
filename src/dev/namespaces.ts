import { type ChildProcess, execFile, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Cgroups } from './cgroups.ts';

const execFileAsync = promisify(execFile);
const SEARCH_PAUSE_MS = 20;
const SEARCH_LIMIT_MS = 10_000;

/** Why no private namespaces and cgroups can be made here; undefined where they can. Tried, not guessed. */
export async function reasonAgainstNamespaces(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'needs root: run it as root, or in a privileged container';
  try {
    await execFileAsync('unshare', [
      '-m',
      '-n',
      '-p',
      '-u',
      '-i',
      '-f',
      '--mount-proc',
      'ip',
      'link',
      'set',
      'lo',
      'up',
    ]);
  } catch (error) {
    return `cannot make namespaces: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
  const cgroups = await Cgroups.find();
  return cgroups.reasonAgainst();
}

/** How a process in namespaces of its own is started. */
export interface NamespacedStart {
  /** The program, found by PATH; it becomes the child of PID 1, and the end of its stdin tells it to end. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** A process tree in mount, network, PID, UTS and IPC namespaces of its own. It ends with this process, however that ends. */
export class NamespacedTree {
  readonly #unshare: ChildProcess;
  readonly #pid1: number;

  private constructor(unshare: ChildProcess, pid1: number) {
    this.#unshare = unshare;
    this.#pid1 = pid1;
  }

  /** Rejects where the namespaces cannot be made. */
  static async start({ file, args, env, logFile }: NamespacedStart): Promise<NamespacedTree> {
    // A shell as PID 1 reaps what is orphaned. Its own end ends every process of the namespace.
    const script = 'exec 3<&0; "$@" <&3 & wait $!';
    const log = openSync(logFile, 'a');
    const unshare = spawn(
      'unshare',
      [
        '-m',
        '-n',
        '-p',
        '-u',
        '-i',
        '-f',
        '--mount-proc',
        '--kill-child',
        'sh',
        '-c',
        script,
        'sh',
        file,
        ...args,
      ],
      { stdio: ['pipe', log, log], env, detached: true },
    );
    closeSync(log);
    await once(unshare, 'spawn');
    unshare.stdin?.on('error', () => undefined);
    return new NamespacedTree(unshare, await childOf(unshare));
  }

  /** The command line that runs `command` inside; the folder stays the same. */
  commandLine(command: readonly string[]): string[] {
    const namespaces = ['-m', '-n', '-p', '-u', '-i'];
    return ['nsenter', '-t', String(this.#pid1), ...namespaces, '--', 'env', '-C', process.cwd(), ...command];
  }

  /** Runs a command inside and resolves to its exit code, 1 where a signal ended it. */
  async run(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    stdio: StdioOptions = 'inherit',
  ): Promise<number> {
    const [file = '', ...args] = this.commandLine(command);
    const child = spawn(file, args, { stdio, env });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  }

  /** Resolves when its last process has ended. */
  async ended(): Promise<void> {
    if (this.alive) await once(this.#unshare, 'exit');
  }

  /** Whether it still runs. */
  get alive(): boolean {
    return this.#unshare.exitCode === null && this.#unshare.signalCode === null;
  }

  /** Kills all of it; the kernel takes mounts and network with it. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    const gone = once(this.#unshare, 'exit');
    process.kill(this.#pid1, 'SIGKILL');
    await gone;
  }
}

async function childOf(parent: ChildProcess): Promise<number> {
  const deadline = Date.now() + SEARCH_LIMIT_MS;
  const pid = parent.pid ?? -1;
  while (Date.now() < deadline && parent.exitCode === null) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const child = Number.parseInt(children, 10);
    // Until it is the shell it may still be unshare itself, on its way into the namespaces.
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'sh') return child;
    await new Promise((resolve) => setTimeout(resolve, SEARCH_PAUSE_MS));
  }
  throw new Error('unshare did not start its child');
}
