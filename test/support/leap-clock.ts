import { timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import { sleepOn, type Clock, type Timer } from '../../src/kube/clock.ts';

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

  now(): Timestamp {
    return timestampFromMillis(Date.now() + this.#aheadMs);
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
    entry.handle = setTimeout(
      () => {
        this.#pending.delete(entry);
        entry.fn();
      },
      Math.max(0, entry.due - this.monotonicMillis()),
    );
  }
}
