import { addMillis, isTimestamp, type Timestamp } from '../../src/api/time.ts';
import { sleepOn, type Clock, type Timer } from '../../src/kube/clock.ts';

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: Timestamp;
  #monotonic = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(now: string = '2026-01-01T00:00:00Z') {
    this.#now = timestampOf(now);
  }

  /** Timers that have not fired: 0 when nothing leaks. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): Timestamp {
    return this.#now;
  }

  monotonicMillis(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Pending = { due: this.#monotonic + Math.max(0, ms), order: this.#order++, fn };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Moves time on, firing what becomes due in order; what each timer sets off is played out before the next fires. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#earliest(); next !== undefined && next.due <= end; next = this.#earliest()) {
      this.#moveTo(next.due);
      this.#pending.delete(next);
      next.fn();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Moves time on without firing anything, as for a process that is stopped or blocked. */
  jump(ms: number): void {
    this.#moveTo(this.#monotonic + ms);
  }

  /** Sets the wall clock only, as an administrator or NTP does. */
  setWallClock(now: string): void {
    this.#now = timestampOf(now);
  }

  #earliest(): Pending | undefined {
    let found: Pending | undefined;
    for (const entry of this.#pending) {
      if (
        found === undefined ||
        entry.due < found.due ||
        (entry.due === found.due && entry.order < found.order)
      ) {
        found = entry;
      }
    }
    return found;
  }

  #moveTo(monotonic: number): void {
    if (monotonic <= this.#monotonic) return;
    this.#now = addMillis(this.#now, monotonic - this.#monotonic);
    this.#monotonic = monotonic;
  }
}

/** Lets everything run that waits for promises only. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

function timestampOf(text: string): Timestamp {
  if (!isTimestamp(text)) throw new Error(`not a timestamp in normal form: ${text}`);
  return text;
}
