import { compareTimestamps, type Timestamp } from '../../api/time.ts';

interface Entry<T> {
  readonly item: T;
  readonly at: Timestamp;
}

/** Items that are each to be looked at again at a point in time: a binary heap, the earliest first. */
export class WakeQueue<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #places = new Map<T, number>();

  /** Notes when an item is due, in place of what was noted before; undefined for never. */
  set(item: T, at: Timestamp | undefined): void {
    const place = this.#places.get(item);
    if (place === undefined) {
      if (at !== undefined) this.#rise(this.#heap.length, { item, at });
    } else if (at === undefined) this.#remove(place);
    else if (this.#heap[place]?.at !== at) {
      this.#remove(place);
      this.#rise(this.#heap.length, { item, at });
    }
  }

  /** When the next item is due. */
  earliest(): Timestamp | undefined {
    return this.#heap[0]?.at;
  }

  /** Takes out everything that is due at `now`. */
  takeDue(now: Timestamp): T[] {
    const due: T[] = [];
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (compareTimestamps(first.at, now) > 0) break;
      due.push(first.item);
      this.#remove(0);
    }
    return due;
  }

  #remove(place: number): void {
    const removed = this.#heap[place];
    const last = this.#heap.pop();
    if (removed === undefined || last === undefined) return;
    this.#places.delete(removed.item);
    if (last === removed) return;
    // What comes from the end may belong above or below the gap.
    if (this.#isBefore(last, this.#heap[parentOf(place)])) this.#rise(place, last);
    else this.#sink(place, last);
  }

  #rise(from: number, entry: Entry<T>): void {
    let place = from;
    for (;;) {
      const above = this.#heap[parentOf(place)];
      if (above === undefined || !this.#isBefore(entry, above)) break;
      this.#put(place, above);
      place = parentOf(place);
    }
    this.#put(place, entry);
  }

  #sink(from: number, entry: Entry<T>): void {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && this.#isBefore(right, left);
      const below = isRight ? right : left;
      if (!this.#isBefore(below, entry)) break;
      this.#put(place, below);
      place = 2 * place + (isRight ? 2 : 1);
    }
    this.#put(place, entry);
  }

  #put(place: number, entry: Entry<T>): void {
    this.#heap[place] = entry;
    this.#places.set(entry.item, place);
  }

  #isBefore(entry: Entry<T>, other: Entry<T> | undefined): boolean {
    return other !== undefined && compareTimestamps(entry.at, other.at) < 0;
  }
}

function parentOf(place: number): number {
  return (place - 1) >> 1;
}
