import { addMillis, compareTimestamps, type Timestamp } from '../../api/time.ts';

/** Judges durations of one plan, and gathers when waiting alone will change it, so that nobody has to poll for that. */
export class WakeTime {
  readonly #now: Timestamp;
  /** By duration: the point in time that lies so far back. */
  readonly #thresholds = new Map<number, Timestamp>();
  readonly #earliest = new Map<number, Timestamp>();

  constructor(now: Timestamp) {
    this.#now = now;
  }

  /** Whether `millis` have passed since `since`; if not, the plan changes when they have. */
  isPast(since: Timestamp, millis: number): boolean {
    if (compareTimestamps(since, this.#threshold(millis)) <= 0) return true;
    const known = this.#earliest.get(millis);
    if (known === undefined || compareTimestamps(since, known) < 0) this.#earliest.set(millis, since);
    return false;
  }

  /** The earliest of them. */
  get(): Timestamp | undefined {
    return [...this.#earliest]
      .map(([millis, since]) => addMillis(since, millis))
      .toSorted(compareTimestamps)
      .at(0);
  }

  #threshold(millis: number): Timestamp {
    let threshold = this.#thresholds.get(millis);
    if (threshold === undefined) this.#thresholds.set(millis, (threshold = addMillis(this.#now, -millis)));
    return threshold;
  }
}
