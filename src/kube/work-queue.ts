import type { Clock } from './clock.ts';
import { DelayHeap } from './delay-heap.ts';
import { noMetrics, type RuntimeMetrics } from './runtime-metrics.ts';
import { TokenBucket, type RateLimit } from './token-bucket.ts';

/** How a work queue is set up. */
export interface WorkQueueOptions {
  /** Label of its metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** First delay of a failing key in milliseconds (5); it doubles with each failure. */
  readonly baseDelayMs?: number;
  /** Longest delay of a failing key in milliseconds (60,000). */
  readonly maxDelayMs?: number;
  /** Limit of retries over all keys; none where absent. */
  readonly overall?: RateLimit;
  readonly metrics?: RuntimeMetrics;
}

/**
 * A queue of keys for level-triggered work: a key waits at most once, is worked on by one worker at a time, and a key
 * added while it is worked on comes again afterwards. State of a key is dropped when nothing waits for it.
 */
export class WorkQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #metrics: RuntimeMetrics;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #overall: TokenBucket | undefined;
  /** Keys that need work, whether a worker holds them or not; the value is since when. */
  readonly #dirty = new Map<string, number>();
  /** Keys that a worker holds; the value is since when. */
  readonly #processing = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  /** Keys in `#dirty` that no worker holds, in order. */
  readonly #ready = new Set<string>();
  readonly #waiters: ((key: string | undefined) => void)[] = [];
  readonly #delayed: DelayHeap;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#metrics = options.metrics ?? noMetrics;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 60_000;
    this.#overall = options.overall && new TokenBucket(options.overall, options.clock);
    this.#delayed = new DelayHeap(options.clock, (key) => this.add(key));
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Keys of which anything is remembered; 0 when idle. */
  get tracked(): number {
    return this.#dirty.size + this.#processing.size + this.#failures.size + this.#delayed.size;
  }

  /** How long the slowest worker has held its key, in milliseconds; 0 when none works. */
  get longestRunningMs(): number {
    const [since] = this.#processing.values();
    return since === undefined ? 0 : this.#clock.monotonicMillis() - since;
  }

  /** Summed time that the workers have held their keys, in milliseconds. */
  get unfinishedMs(): number {
    const now = this.#clock.monotonicMillis();
    let sum = 0;
    for (const since of this.#processing.values()) sum += now - since;
    return sum;
  }

  /** Makes the key wait for a worker; nothing happens where it waits already or the queue is shut down. */
  add(key: string): void {
    if (this.#stopping || this.#dirty.has(key)) return;
    this.#dirty.set(key, this.#clock.monotonicMillis());
    this.#metrics.queueAdded(this.name);
    if (!this.#processing.has(key)) this.#offer(key);
  }

  /** Adds the key after `ms`; of several delays of one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopping) return;
    if (ms <= 0) this.add(key);
    else this.#delayed.schedule(key, ms);
  }

  /** Adds the key after its back-off, at least `floorMs`; `forget` ends the back-off. */
  addRateLimited(key: string, floorMs = 0): void {
    if (this.#stopping) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.queueRetried(this.name);
    const backOff = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(failures, 40));
    this.addAfter(key, Math.max(backOff, floorMs, this.#overall?.reserve() ?? 0));
  }

  /** Ends the back-off of a key. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures of a key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Waits for a key and gives it to the caller, who must call `done`; undefined when the queue is shut down. */
  get(): Promise<string | undefined> {
    const [key] = this.#ready;
    if (key !== undefined) return Promise.resolve(this.#take(key));
    if (this.#stopping) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Gives a key back; where it was added meanwhile it waits again. */
  done(key: string): void {
    const since = this.#processing.get(key);
    if (since === undefined) return;
    this.#processing.delete(key);
    this.#metrics.queueWorked(this.name, (this.#clock.monotonicMillis() - since) / 1000);
    if (this.#dirty.has(key)) this.#offer(key);
    this.#settle();
  }

  /** Takes no more keys; waiting ones are dropped, workers get undefined. */
  shutdown(): void {
    this.#stopping = true;
    this.#delayed.clear();
    this.#dirty.clear();
    this.#ready.clear();
    this.#failures.clear();
    this.#report();
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
    this.#settle();
  }

  /** Like `shutdown`, then waits up to `ms` for the workers; whether all gave their keys back. */
  async shutdownWithDrain(ms: number): Promise<boolean> {
    this.shutdown();
    if (this.#processing.size === 0) return true;
    const drained = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimer(ms, () => resolve(false));
      this.#onIdle = () => {
        timer.cancel();
        resolve(true);
      };
    });
    this.#onIdle = undefined;
    return drained;
  }

  #offer(key: string): void {
    const waiter = this.#waiters.shift();
    this.#ready.add(key);
    if (waiter === undefined) this.#report();
    else waiter(this.#take(key));
  }

  #take(key: string): string {
    const now = this.#clock.monotonicMillis();
    this.#metrics.queueWaited(this.name, (now - (this.#dirty.get(key) ?? now)) / 1000);
    this.#ready.delete(key);
    this.#dirty.delete(key);
    this.#processing.set(key, now);
    this.#report();
    return key;
  }

  #report(): void {
    this.#metrics.queueDepth(this.name, this.#ready.size);
  }

  #settle(): void {
    if (this.#processing.size === 0) this.#onIdle?.();
  }
}
