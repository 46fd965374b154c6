import { timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import { sleepOn, type Clock, type Timer } from '../../src/kube/clock.ts';

/** A longer delay makes `setTimeout` fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Pending {
  readonly due: number;
  readonly fn: () => void;
  handle: NodeJS.Timeout | undefined;
}

/**
 * A clock that runs as this machine's and can leap ahead: for tests against real servers, whose answers nobody can
 * hurry, about times that nobody wants to wait for. What is due at the end of a leap fires right after it, once.
 */
export class LeapClock implements Clock {
  #aheadMs = 0;
  readonly #pending = new Set<Pending>();
  readonly #wallShiftMs: number;

  /** `wallShiftMs` moves the date alone, so that a test can play on another day. */
  constructor(wallShiftMs = 0) {
    this.#wallShiftMs = wallShiftMs;
  }

  now(): Timestamp {
    return timestampFromMillis(Date.now() + this.#wallShiftMs + this.#aheadMs);
  }

  monotonicMillis(): number {
    return performance.now() + this.#aheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Pending = { due: this.monotonicMillis() + Math.max(0, ms), fn, handle: undefined };
    this.#pending.add(entry);
    this.#arm(entry);
    return {
      cancel: () => {
        clearTimeout(entry.handle);
        this.#pending.delete(entry);
      },
    };
  }

  /** Moves everybody's time ahead by `ms`. */
  leap(ms: number): void {
    this.#aheadMs += ms;
    for (const entry of [...this.#pending].toSorted((a, b) => a.due - b.due)) {
      clearTimeout(entry.handle);
      this.#arm(entry);
    }
  }

  #arm(entry: Pending): void {
    const wait = Math.max(0, entry.due - this.monotonicMillis());
    entry.handle = setTimeout(
      () => {
        if (wait > LONGEST_TIMEOUT) {
          this.#arm(entry);
          return;
        }
        this.#pending.delete(entry);
        entry.fn();
      },
      Math.min(wait, LONGEST_TIMEOUT),
    );
  }
}
