import { epochMillis, timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import { sleepOn, type Clock, type Timer } from '../../src/kube/clock.ts';
import type { EventLoop, Owner } from './event-loop.ts';

/** When every simulation begins. */
export const EPOCH = '2026-06-01T10:00:00Z' as Timestamp;
const EPOCH_MS = epochMillis(EPOCH);

/** Something whose events can be stopped for a while or for ever. */
export class Pausable implements Owner {
  alive = true;
  paused = false;
  readonly #loop: EventLoop;
  #kept: (() => void)[] = [];

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  keep(run: () => void): void {
    this.#kept.push(run);
  }

  pause(): void {
    this.paused = true;
  }

  /** What came due meanwhile happens now, in its order. */
  resume(): void {
    this.paused = false;
    const kept = this.#kept;
    this.#kept = [];
    for (const run of kept) this.#loop.schedule(0, this, run);
  }

  kill(): void {
    this.alive = false;
    this.#kept = [];
  }
}

/** A process with a clock of its own. Once it is killed, nothing of it happens any more. */
export class SimProcess extends Pausable {
  readonly name: string;
  readonly clock: Clock;
  /** What the process has sent and the network still carries. It can outlive the process, or arrive late. */
  readonly wire: Pausable;

  constructor(loop: EventLoop, name: string, skewMs = 0) {
    super(loop);
    this.name = name;
    this.wire = new Pausable(loop);
    const setTimer = (ms: number, fn: () => void): Timer => loop.schedule(ms, this, fn);
    let stamped = -1;
    let stamp = EPOCH;
    this.clock = {
      now: () => {
        if (stamped !== loop.now) {
          stamped = loop.now;
          stamp = timestampFromMillis(EPOCH_MS + Math.trunc(loop.now) + skewMs);
        }
        return stamp;
      },
      monotonicMillis: () => loop.now,
      setTimer,
      sleep: (ms, signal) => sleepOn({ setTimer }, ms, signal),
    };
  }
}
