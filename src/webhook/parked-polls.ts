import type { Clock, Timer } from '../kube/clock.ts';

/** Why a held poll goes on: something changed, or its time is over. */
export type PollSignal = 'look-again' | 'over';

/** One held poll. */
export class Poll {
  readonly #clock: Clock;
  readonly #deadline: Timer;
  readonly #waits: boolean;
  #over = false;
  #changed = false;
  #resolve: ((signal: PollSignal) => void) | undefined;

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waits = waitMs > 0;
    this.#deadline = clock.setTimer(waitMs, () => this.end());
  }

  /** Resolves when something changed since the last call, after `retryAfterMs`, or when the poll's time is over. */
  async next(retryAfterMs: number | undefined): Promise<PollSignal> {
    if (this.#over || !this.#waits) return 'over';
    if (this.#changed) {
      this.#changed = false;
      return 'look-again';
    }
    const timer =
      retryAfterMs === undefined ? undefined : this.#clock.setTimer(retryAfterMs, () => this.wake());
    const signal = await new Promise<PollSignal>((resolve) => {
      this.#resolve = resolve;
    });
    timer?.cancel();
    this.#resolve = undefined;
    this.#changed = false;
    return signal;
  }

  /** Something may be there for this host. */
  wake(): void {
    this.#changed = true;
    this.#resolve?.('look-again');
  }

  /** Ends the poll at once. */
  end(): void {
    this.#over = true;
    this.#deadline.cancel();
    this.#resolve?.('over');
  }

  /** Whether its time is over. */
  get over(): boolean {
    return this.#over;
  }
}

/** The held polls of all hosts, at most one of each. */
export class ParkedPolls {
  readonly #polls = new Map<string, Poll>();
  readonly #clock: Clock;
  readonly #onCount: (count: number) => void;
  #closed = false;

  constructor(clock: Clock, onCount: (count: number) => void) {
    this.#clock = clock;
    this.#onCount = onCount;
  }

  /** Whether new polls are refused, because the process stops. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Opens a poll; an earlier one of the same host ends. */
  open(hostname: string, waitMs: number): Poll {
    this.#polls.get(hostname)?.end();
    const poll = new Poll(this.#clock, waitMs);
    this.#polls.set(hostname, poll);
    this.#onCount(this.#polls.size);
    return poll;
  }

  /** Forgets a poll that was answered. */
  close(hostname: string, poll: Poll): void {
    poll.end();
    if (this.#polls.get(hostname) !== poll) return;
    this.#polls.delete(hostname);
    this.#onCount(this.#polls.size);
  }

  /** Lets the host's poll look again. */
  wake(hostname: string): void {
    this.#polls.get(hostname)?.wake();
  }

  /** Ends every poll and refuses new ones. */
  closeAll(): void {
    this.#closed = true;
    for (const poll of this.#polls.values()) poll.end();
  }
}
