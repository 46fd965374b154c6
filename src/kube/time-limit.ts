import type { Clock, Timer } from './clock.ts';

/** A signal that aborts after a time or with another one. Nothing is set up before somebody asks for it: few do. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #outer: AbortSignal;
  #limit: AbortController | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, ms: number, outer: AbortSignal) {
    this.#clock = clock;
    this.#ms = ms;
    this.#outer = outer;
  }

  /** The same signal each time; its time begins when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#limit !== undefined) return this.#limit.signal;
    const limit = new AbortController();
    this.#limit = limit;
    this.#timer = this.#clock.setTimer(this.#ms, () =>
      limit.abort(new DOMException('the reconcile took too long', 'TimeoutError')),
    );
    this.#outer.addEventListener('abort', this.#onOuter, { once: true });
    if (this.#outer.aborted) this.#onOuter();
    return limit.signal;
  }

  /** Lets go of clock and outer signal; what was asked for in time aborts no more. */
  end(): void {
    this.#timer?.cancel();
    if (this.#limit !== undefined) this.#outer.removeEventListener('abort', this.#onOuter);
  }

  readonly #onOuter = (): void => this.#limit?.abort(this.#outer.reason);
}
