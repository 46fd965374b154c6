import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A program of ours as a child process, with all that it has printed so far. */
export class Program {
  readonly child: ChildProcess;
  output = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString('utf8');
        for (const look of this.#waiting) look();
      });
    }
  }

  /** Resolves once it has printed that; rejects with its output where it ends before. */
  async prints(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.output.includes(text)) resolve();
    };
    const onExit = (): void => reject(new Error(`it ended without printing "${text}":\n${this.output}`));
    this.#waiting.add(look);
    this.child.once('close', onExit);
    look();
    try {
      await promise;
    } finally {
      this.#waiting.delete(look);
      this.child.off('close', onExit);
    }
  }

  /** Its exit code once it has ended and everything it printed is here. */
  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }
}
