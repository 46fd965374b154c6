import { addMillis, compareTimestamps, type Timestamp } from '../../api/time.ts';

/** Judges durations of one plan, and gathers when waiting alone will change it, so that nobody has to poll for that. */
export class WakeTime {
  #now: Timestamp;
  /** By duration: the point in time that lies so far back. */
  readonly #thresholds = new Map<number, Timestamp>();
  readonly #earliest = new Map<number, Timestamp>();

  constructor(now: Timestamp) {
    this.#now = now;
  }

  /** The time of the plan. */
  get now(): Timestamp {
    return this.#now;
  }

  /** Goes on to the time of the next plan. */
  advance(now: Timestamp): void {
    this.#now = now;
    this.#thresholds.clear();
  }

  /** Whether `millis` have passed since `since`; if not, the plan changes when they have. */
  isPast(since: Timestamp, millis: number): boolean {
    if (compareTimestamps(since, this.#threshold(millis)) <= 0) return true;
    const known = this.#earliest.get(millis);
    if (known === undefined || compareTimestamps(since, known) < 0) this.#earliest.set(millis, since);
    return false;
  }

  /** The earliest end of what was judged since the last call; undefined where all of it is over. */
  take(): Timestamp | undefined {
    if (this.#earliest.size === 0) return undefined;
    const [earliest] = [...this.#earliest]
      .map(([millis, since]) => addMillis(since, millis))
      .toSorted(compareTimestamps);
    this.#earliest.clear();
    return earliest;
  }

  #threshold(millis: number): Timestamp {
    let threshold = this.#thresholds.get(millis);
    if (threshold === undefined) this.#thresholds.set(millis, (threshold = addMillis(this.#now, -millis)));
    return threshold;
  }
}
