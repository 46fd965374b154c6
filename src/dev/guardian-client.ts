import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { GuardianCommand, GuardianReport } from './guardian-protocol.ts';

/** How a guarded child ended: its exit code, or the signal that killed it. */
export interface ChildExit {
  name: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

const STOP_LIMIT_MS = 15_000;

/**
 * This process's side of a guardian (guardian.ts): starts children that do not outlive us.
 *
 * If the guardian itself is killed, the children are killed from here.
 */
export class Guardian {
  readonly folder: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pids = new Map<string, number>();
  readonly #waiters = new Set<(report: GuardianReport) => void>();
  #onExit: (exit: ChildExit) => void = () => undefined;

  private constructor(process: ChildProcessByStdio<Writable, Readable, null>, folder: string) {
    this.#process = process;
    this.folder = folder;
  }

  /**
   * Starts a guardian for `folder`, or for a new throw-away one that it removes at its end.
   *
   * Rejects where another guardian holds the folder or it cannot be made.
   */
  static async start(folder?: string): Promise<Guardian> {
    const script = fileURLToPath(new URL('./guardian.ts', import.meta.url));
    const { NODE_OPTIONS: _ignored, ...env } = process.env;
    const child = spawn(process.execPath, [script, folder ?? ''], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env,
    });
    child.stdin.on('error', () => undefined); // a guardian that is gone is noticed by its exit
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => parse(String(line))),
      once(child, 'exit').then((): GuardianReport => ({
        type: 'failed',
        message: 'the guardian ended early',
      })),
    ]);
    if (first.type !== 'ready') {
      child.stdin.end();
      throw new Error(first.type === 'failed' ? first.message : `unexpected report ${first.type}`);
    }
    const guardian = new Guardian(child, first.folder);
    lines.on('line', (line) => guardian.#receive(parse(line)));
    child.once('exit', () => guardian.#guardianGone());
    return guardian;
  }

  /** Process id of the guardian itself. */
  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** Process id of a running child, `undefined` when it is not running. */
  pidOf(name: string): number | undefined {
    return this.#pids.get(name);
  }

  /** Calls `listener` for every child that ends, for whatever reason. */
  onExit(listener: (exit: ChildExit) => void): void {
    this.#onExit = listener;
  }

  /** Starts a child; resolves with its process id, rejects if it cannot be executed. */
  async startChild(name: string, file: string, args: string[], logFile: string): Promise<number> {
    const report = this.#next((r) => r.type === 'failed' || (r.type === 'started' && r.name === name));
    this.#send({ op: 'start', name, file, args, logFile });
    const answer = await report;
    if (answer.type !== 'started') throw new Error(answer.type === 'failed' ? answer.message : answer.type);
    return answer.pid;
  }

  /** Sends a signal to a child, if it runs. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#send({ op: 'signal', name, signal });
  }

  /** Kills a child without warning and waits until it is gone. */
  async kill(name: string): Promise<void> {
    if (!this.#pids.has(name)) return;
    const gone = this.#next((r) => r.type === 'failed' || (r.type === 'exited' && r.name === name));
    this.signal(name, 'SIGKILL');
    await gone;
  }

  /** Ends all children and the guardian; resolves when they are gone. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.stdin.end();
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await gone;
    clearTimeout(limit);
  }

  #send(command: GuardianCommand): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #receive(report: GuardianReport): void {
    if (report.type === 'started') this.#pids.set(report.name, report.pid);
    if (report.type === 'exited') {
      this.#pids.delete(report.name);
      this.#onExit(report);
    }
    for (const waiter of this.#waiters) waiter(report);
  }

  async #next(matches: (report: GuardianReport) => boolean): Promise<GuardianReport> {
    return new Promise((resolve) => {
      const waiter = (report: GuardianReport): void => {
        if (!matches(report)) return;
        this.#waiters.delete(waiter);
        resolve(report);
      };
      this.#waiters.add(waiter);
    });
  }

  #guardianGone(): void {
    for (const pid of this.#pids.values()) killQuietly(pid);
    this.#pids.clear();
    const report: GuardianReport = { type: 'failed', message: 'the guardian process is gone' };
    for (const waiter of this.#waiters) waiter(report);
  }
}

function parse(line: string): GuardianReport {
  const report: GuardianReport = JSON.parse(line); // written by guardian.ts of this same version
  return report;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone before us, which is what we want.
  }
}
