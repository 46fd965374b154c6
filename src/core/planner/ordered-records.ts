import type { TrackedRecord } from './tracked-record.ts';

/** Records of one rollout in the order of the plan. */
export class OrderedRecords {
  readonly #records: TrackedRecord[] = [];
  #hasChanged = false;

  /** Puts a record in that is not there, or takes out one that is. */
  set(record: TrackedRecord, isIn: boolean): void {
    const place = this.#placeOf(record);
    if (isIn) this.#records.splice(place, 0, record);
    else this.#records.splice(place, 1);
    this.#hasChanged = true;
  }

  /** Whether any came or went since the last call. */
  takeChanged(): boolean {
    const changed = this.#hasChanged;
    this.#hasChanged = false;
    return changed;
  }

  /** The records as they are now. */
  list(): readonly TrackedRecord[] {
    return this.#records;
  }

  /** How many come before it. */
  #placeOf({ position }: TrackedRecord): number {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#records[middle]?.position ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
