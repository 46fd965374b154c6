interface Waiting {
  readonly verdict: string;
  readonly since: number;
}

/** Verdicts that wait until they have stood for a while; a different one starts the wait again. */
export class StandingVerdicts {
  readonly #waiting = new Map<string, Waiting>();

  /** Milliseconds until this verdict on the key has stood for `delayMs`; 0 for now. */
  waitMs(key: string, verdict: string, delayMs: number, monotonicMs: number): number {
    let waiting = this.#waiting.get(key);
    if (waiting?.verdict !== verdict) this.#waiting.set(key, (waiting = { verdict, since: monotonicMs }));
    return Math.max(0, waiting.since + delayMs - monotonicMs);
  }

  /** Forgets a key: its verdict was written, or there is none to write. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }
}
