/** Spaces out writes of counters: at most one per interval and key, urgent ones aside. */
export class StatusPace {
  readonly #intervalMs: number;
  readonly #written = new Map<string, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds until the key may be written again; 0 for now. */
  waitMs(key: string, monotonicMs: number): number {
    const last = this.#written.get(key);
    return last === undefined ? 0 : Math.max(0, last + this.#intervalMs - monotonicMs);
  }

  /** Notes a write. */
  wrote(key: string, monotonicMs: number): void {
    this.#written.set(key, monotonicMs);
  }

  /** Forgets a key whose object is gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
