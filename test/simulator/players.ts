import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { PlayerAnswer } from './player.ts';
import type { RunResult } from './world.ts';

/** Seeds that a process has in hand, so that it need not wait for the next one. */
const IN_HAND = 4;

/** Plays seeds in several processes; which of them plays a seed makes no difference to it. */
export class Players {
  readonly #count: number;
  readonly #cpuMs = new Map<ChildProcess, number>();

  constructor(count: number) {
    this.#count = count;
  }

  /** What all processes have computed, in milliseconds. */
  get cpuMs(): number {
    return [...this.#cpuMs.values()].reduce((sum, one) => sum + one, 0);
  }

  /** Plays every seed; `onResult` is told of each as it ends, in no order. Rejects where a process dies. */
  async play(seeds: Iterator<number>, onResult: (seed: number, result: RunResult) => void): Promise<void> {
    await Promise.all(Array.from({ length: this.#count }, () => this.#playIn(seeds, onResult)));
  }

  #playIn(seeds: Iterator<number>, onResult: (seed: number, result: RunResult) => void): Promise<void> {
    const child = fork(join(import.meta.dirname, 'player.ts'));
    let inHand = 0;
    const next = (): void => {
      const { value, done } = seeds.next();
      if (done === true) return;
      inHand += 1;
      child.send(value);
    };
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (code === 0 || inHand === 0) resolve();
        else reject(new Error(`a process that plays seeds ended with ${String(signal ?? code)}`));
      });
      child.on('message', ({ seed, result, cpuMs }: PlayerAnswer) => {
        this.#cpuMs.set(child, cpuMs);
        inHand -= 1;
        onResult(seed, result);
        next();
        if (inHand === 0) child.disconnect();
      });
      for (let one = 0; one < IN_HAND; one += 1) next();
      if (inHand === 0) child.disconnect();
    });
  }
}
