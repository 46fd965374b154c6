import type { Clock } from './clock.ts';
import { isAlreadyExists, isConflict, isNotFound, NotLeaderError } from './errors.ts';
import type { KubeClient } from './kube-client.ts';
import { claimOf, LEASES, releaseOf, renewalOf, type Lease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { ObjectRef } from './resource.ts';
import { noMetrics, type RuntimeMetrics } from './runtime-metrics.ts';

/** How an elector is set up. */
export interface LeaderElectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  readonly lease: ObjectRef;
  /** Must be unique per process, not only per Pod name: a claim of the same name is someone else's. */
  readonly identity: string;
  /** How long others wait for a silent leader, in milliseconds (15,000). */
  readonly durationMs?: number;
  /** How long a leader without a successful renewal goes on, in milliseconds (10,000); less than `durationMs`. */
  readonly renewDeadlineMs?: number;
  /** Time between a leader's renewals, in milliseconds (2,000); others look at least as often. */
  readonly retryPeriodMs?: number;
  /** Called once, when this process has become the leader. */
  readonly onStarted: () => void;
  /** Called once, when leadership is lost other than by a clean stop. The process must exit. */
  readonly onLost: (reason: string) => void;
}

/** A Lease that another holds is looked at so often, in milliseconds: what a leader that ends leaves is soon found. */
const LOOK_MS = 500;

interface Observed {
  readonly lease: Lease;
  readonly at: number;
}

/**
 * One leader among several processes by a Lease. Whether another's claim has expired is judged by this machine's
 * monotonic clock since the Lease last changed, never by the times written in it. Leadership is had once per process:
 * after a loss it never comes back.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #durationMs: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  #observed: Observed | undefined;
  #held: Lease | undefined;
  #leaderUntil = Number.NEGATIVE_INFINITY;
  #over = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#durationMs = options.durationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryPeriodMs ?? 2_000;
    if (this.#deadlineMs >= this.#durationMs || this.#retryMs >= this.#deadlineMs) {
      throw new Error('leader election needs retryPeriodMs < renewDeadlineMs < durationMs');
    }
  }

  /** Whether this process may act as the leader at this very moment. */
  isLeader(): boolean {
    return !this.#over && this.#options.clock.monotonicMillis() < this.#leaderUntil;
  }

  /** Throws `NotLeaderError` unless `isLeader()`; for `gateWrites`. */
  assertLeader(): void {
    if (!this.isLeader()) throw new NotLeaderError(`${this.#options.identity} does not hold the Lease`);
  }

  /**
   * Tries to become and stay the leader until the signal aborts (the Lease is released then) or leadership is lost
   * (`onLost` has been called). Never rejects. Call once.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    const { metrics = noMetrics, lease, log, onStarted, onLost } = this.#options;
    metrics.leader(lease.name, true);
    log.info({ lease: lease.name }, 'leading');
    onStarted();
    const lost = await this.#renewUntil(signal);
    if (lost === undefined) await this.#release();
    this.#over = true;
    metrics.leader(lease.name, false);
    if (lost !== undefined) onLost(lost);
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        if (await this.#tryAcquire(signal)) return true;
      } catch (error) {
        if (!signal.aborted) this.#options.log.warn({ err: error }, 'asking for the Lease failed');
      }
      const retry = Math.min(this.#retryMs, LOOK_MS) * (1 + 0.2 * this.#options.random());
      await this.#sleep(Math.min(retry, this.#untilFreeMs()), signal);
    }
    return false;
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { client, clock, lease: ref, identity } = this.#options;
    const started = clock.monotonicMillis();
    const request = { signal, timeoutMs: this.#requestMs };
    try {
      const current = await client.get(LEASES, ref, request);
      this.#observe(current);
      if (!this.#isFree(current)) return false;
      this.#hold(await client.replace(LEASES, claimOf(current, this.#claim(), ref), request), started);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return false;
      if (!isNotFound(error)) throw error;
      this.#hold(await client.create(LEASES, claimOf(undefined, this.#claim(), ref), request), started);
    }
    this.#options.log.info({ identity }, 'the Lease is ours');
    return true;
  }

  /** Renews until the signal aborts (undefined) or leadership is lost (why). */
  async #renewUntil(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const left = this.#leaderUntil - this.#options.clock.monotonicMillis();
      await this.#sleep(Math.max(0, Math.min(this.#retryMs, left)), signal);
      if (signal.aborted) return undefined;
      const lost = await this.#renew(signal);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }

  async #renew(signal: AbortSignal): Promise<string | undefined> {
    const { client, clock, log } = this.#options;
    const started = clock.monotonicMillis();
    if (this.#held === undefined || started >= this.#leaderUntil) return 'the Lease was not renewed in time';
    const timeoutMs = Math.min(this.#requestMs, this.#leaderUntil - started);
    try {
      const renewed = renewalOf(this.#held, clock.now());
      this.#hold(await client.replace(LEASES, renewed, { signal, timeoutMs }), started);
      return this.isLeader() ? undefined : 'the Lease was not renewed in time';
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isNotFound(error)) return 'the Lease was deleted';
      if (isConflict(error)) return this.#afterConflict(signal);
      log.warn({ err: error }, 'renewing the Lease failed');
      return clock.monotonicMillis() < this.#leaderUntil ? undefined : 'the Lease was not renewed in time';
    }
  }

  /** A renewal whose answer got lost conflicts with itself; anyone else's change is the end. */
  async #afterConflict(signal: AbortSignal): Promise<string | undefined> {
    const { client, lease, identity, log } = this.#options;
    try {
      const current = await client.get(LEASES, lease, { signal, timeoutMs: this.#requestMs });
      if (current.metadata.uid !== this.#held?.metadata.uid || current.spec?.holderIdentity !== identity) {
        return `the Lease went to ${current.spec?.holderIdentity ?? 'nobody'}`;
      }
      this.#held = current;
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return 'the Lease was deleted';
      if (!signal.aborted) log.warn({ err: error }, 'reading the Lease failed');
      return undefined;
    }
  }

  async #release(): Promise<void> {
    const { client, clock, log } = this.#options;
    const held = this.#held;
    this.#over = true;
    if (held === undefined || clock.monotonicMillis() >= this.#leaderUntil) return;
    try {
      await client.replace(LEASES, releaseOf(held, clock.now()), { timeoutMs: this.#requestMs });
      log.info({}, 'the Lease is released');
    } catch (error) {
      log.warn({ err: error }, 'releasing the Lease failed');
    }
  }

  #observe(lease: Lease): void {
    const before = this.#observed?.lease.metadata;
    const same =
      before?.uid === lease.metadata.uid && before?.resourceVersion === lease.metadata.resourceVersion;
    if (!same) this.#observed = { lease, at: this.#options.clock.monotonicMillis() };
  }

  #isFree(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity;
    return (
      holder === undefined || holder === '' || this.#options.clock.monotonicMillis() >= this.#freeAt(lease)
    );
  }

  #freeAt(lease: Lease): number {
    const seconds = lease.spec?.leaseDurationSeconds;
    const since = this.#observed?.at ?? Number.POSITIVE_INFINITY;
    return since + (seconds === undefined ? this.#durationMs : seconds * 1000);
  }

  /** Time until the claim last seen ends; a claim that has ended is not worth more than the usual haste. */
  #untilFreeMs(): number {
    if (this.#observed === undefined) return Number.POSITIVE_INFINITY;
    const left = this.#freeAt(this.#observed.lease) - this.#options.clock.monotonicMillis();
    return left > 0 ? left : Number.POSITIVE_INFINITY;
  }

  /** The time counts from before the request: others may have seen the change at once. */
  #hold(lease: Lease, requestedAt: number): void {
    this.#held = lease;
    this.#leaderUntil = requestedAt + this.#deadlineMs;
  }

  #claim(): { identity: string; durationMs: number; now: ReturnType<Clock['now']> } {
    const { identity, clock } = this.#options;
    return { identity, durationMs: this.#durationMs, now: clock.now() };
  }

  get #requestMs(): number {
    return Math.max(1, this.#deadlineMs / 2);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(ms, signal).catch(() => undefined);
  }
}
