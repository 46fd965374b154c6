import type { Clock, Timer } from './clock.ts';

interface Slot {
  readonly key: string;
  readonly due: number;
}

/** Superseded slots that are tolerated before the heap is built anew. */
const SLACK = 64;

/**
 * Keys that become due later, with one timer for all of them. A key waits once, for the earliest of the times asked
 * for. Superseded slots stay in the heap until their time; `#due` says which slot of a key counts.
 */
export class DelayHeap {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  readonly #heap: Slot[] = [];
  readonly #due = new Map<string, number>();
  #timer: { readonly handle: Timer; readonly due: number } | undefined;

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#due.size;
  }

  /** Makes the key due in `ms`, unless it is due earlier already. */
  schedule(key: string, ms: number): void {
    const due = this.#clock.monotonicMillis() + ms;
    const before = this.#due.get(key);
    if (before !== undefined && before <= due) return;
    this.#due.set(key, due);
    push(this.#heap, { key, due });
    if (this.#heap.length > 2 * this.#due.size + SLACK) this.#compact();
    this.#arm();
  }

  /** Forgets every key. */
  clear(): void {
    this.#heap.length = 0;
    this.#due.clear();
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  #compact(): void {
    this.#heap.length = 0;
    for (const [key, due] of this.#due) push(this.#heap, { key, due });
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || (this.#timer !== undefined && this.#timer.due <= next.due)) return;
    this.#timer?.handle.cancel();
    const wait = Math.max(0, next.due - this.#clock.monotonicMillis());
    this.#timer = { due: next.due, handle: this.#clock.setTimer(wait, () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMillis();
    for (let next = this.#heap[0]; next !== undefined && next.due <= now; next = this.#heap[0]) {
      pop(this.#heap);
      if (this.#due.get(next.key) !== next.due) continue;
      this.#due.delete(next.key);
      this.#onDue(next.key);
    }
    this.#arm();
  }
}

function push(heap: Slot[], slot: Slot): void {
  let at = heap.length;
  heap.push(slot);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.due <= slot.due) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = slot;
}

function pop(heap: Slot[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const child = smallerChild(heap, at);
    const below = heap[child];
    if (below === undefined || below.due >= last.due) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}

function smallerChild(heap: readonly Slot[], at: number): number {
  const left = 2 * at + 1;
  const a = heap[left];
  const b = heap[left + 1];
  return a !== undefined && b !== undefined && b.due < a.due ? left + 1 : left;
}
