/** Growing delays with jitter, for loops that repeat after a failure. */
export class BackOff {
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #random: () => number;
  #failures = 0;

  /** `random` yields numbers in [0, 1). */
  constructor(baseMs: number, capMs: number, random: () => number) {
    this.#baseMs = baseMs;
    this.#capMs = capMs;
    this.#random = random;
  }

  /** Failures since the last reset. */
  get failures(): number {
    return this.#failures;
  }

  /** The next delay in milliseconds: half of it fixed, half random. */
  next(): number {
    const full = Math.min(this.#capMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full / 2 + this.#random() * (full / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
