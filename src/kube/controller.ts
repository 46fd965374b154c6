import type { Clock } from './clock.ts';
import { isConflict, isNotFound, KubeError, NotLeaderError } from './errors.ts';
import type { Logger } from './logger.ts';
import { noMetrics, type ReconcileOutcome, type RuntimeMetrics } from './runtime-metrics.ts';
import { TimeLimit } from './time-limit.ts';
import { noTracer, type Span, type Tracer } from './tracer.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

/** What a reconcile gets besides its key. */
export interface ReconcileContext {
  /** Aborts when the controller stops or the reconcile runs longer than its limit. */
  readonly signal: AbortSignal;
  /** Carries controller, key and reconcileId. */
  readonly log: Logger;
}

/** What a reconcile asks for when it succeeded. */
export interface ReconcileResult {
  /** Reconcile this key again after so many milliseconds, if nothing brings it back earlier. */
  readonly requeueAfterMs?: number | undefined;
}

/** Brings the world in line for one key: reads, decides, writes. A throw is retried with back-off. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult | void>;

/** How a controller is set up. */
export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  readonly tracer?: Tracer | undefined;
  /** Keys worked on at the same time (1). */
  readonly workers?: number;
  /** Limit of one reconcile in milliseconds (120,000), after which its signal aborts. */
  readonly timeoutMs?: number;
  readonly queue?: Omit<WorkQueueOptions, 'name' | 'clock' | 'metrics'>;
}

/** So many milliseconds are worked on before others get a turn. */
const TURN_MS = 20;

/** Workers that take keys from a queue and reconcile them. Nothing that a reconcile throws escapes. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #metrics: RuntimeMetrics;
  readonly #tracer: Tracer;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #workers: Promise<void>[] = [];
  #active = 0;
  #count = 0;
  #gaveWayAt = Number.NEGATIVE_INFINITY;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#metrics = options.metrics ?? noMetrics;
    this.#tracer = options.tracer ?? noTracer;
    this.#log = options.log.child({ controller: options.name });
    this.queue = new WorkQueue({
      ...options.queue,
      name: options.name,
      clock: options.clock,
      metrics: this.#metrics,
    });
  }

  /** Starts the workers; keys added earlier are worked on now. A second call does nothing. */
  start(): void {
    if (this.#workers.length > 0) return;
    const workers = this.#options.workers ?? 1;
    this.#metrics.workers(this.name, 0, workers);
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  /**
   * Takes no more keys, waits up to `drainMs` for running reconciles, then aborts their signals. Whether all ended in
   * time.
   */
  async stop(drainMs: number): Promise<boolean> {
    const drained = await this.queue.shutdownWithDrain(drainMs);
    this.#abort.abort(new DOMException('the controller stops', 'AbortError'));
    if (drained) await Promise.all(this.#workers);
    return drained;
  }

  async #work(): Promise<void> {
    for (let key = await this.queue.get(); key !== undefined; key = await this.queue.get()) {
      this.#reportWorkers(1);
      await this.#traced(key);
      this.queue.done(key);
      this.#reportWorkers(-1);
      await this.#giveWay();
    }
  }

  /**
   * Keys that need no request would be worked on in one go. A new leader looks at every object, and its answers, the
   * renewal of its Lease among them, would wait until it is through.
   */
  async #giveWay(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMillis() - this.#gaveWayAt < TURN_MS) return;
    await clock.sleep(0);
    this.#gaveWayAt = clock.monotonicMillis();
  }

  #traced(key: string): Promise<void> {
    const reconcileId = `${this.name}-${++this.#count}`;
    const attributes = {
      'controller.name': this.name,
      'reconcile.key': key,
      'reconcile.id': reconcileId,
      'reconcile.attempt': this.queue.failures(key) + 1,
    };
    return this.#tracer.span({ name: `reconcile ${this.name}`, root: true, attributes }, (span) =>
      this.#run(key, reconcileId, span),
    );
  }

  async #run(key: string, reconcileId: string, span: Span): Promise<void> {
    const { clock, reconcile, timeoutMs = 120_000 } = this.#options;
    const started = clock.monotonicMillis();
    const log = this.#log.child({ key, reconcileId });
    const limit = new TimeLimit(clock, timeoutMs, this.#abort.signal);
    const context: ReconcileContext = {
      log,
      get signal() {
        return limit.signal;
      },
    };
    let outcome: ReconcileOutcome;
    try {
      const result = await reconcile(key, context);
      outcome = this.#succeeded(key, result ?? {});
    } catch (error) {
      outcome = this.#failed(key, error, log);
      if (outcome === 'error') span.fail(error);
    } finally {
      limit.end();
    }
    span.add({ 'reconcile.result': outcome });
    this.#metrics.reconciled(this.name, outcome, (clock.monotonicMillis() - started) / 1000);
  }

  #succeeded(key: string, result: ReconcileResult): ReconcileOutcome {
    this.queue.forget(key);
    if (result.requeueAfterMs === undefined) return 'success';
    this.queue.addAfter(key, result.requeueAfterMs);
    return 'requeue_after';
  }

  #failed(key: string, error: unknown, log: Logger): ReconcileOutcome {
    this.queue.addRateLimited(key, error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0);
    // Losing a race for an object, or finding it gone, is daily business: the retry decides on fresh data.
    if (
      isConflict(error) ||
      isNotFound(error) ||
      error instanceof NotLeaderError ||
      this.#abort.signal.aborted
    ) {
      log.debug({ err: error }, 'reconciling again after a lost race');
      return 'requeue';
    }
    log.error({ err: error, failures: this.queue.failures(key) }, 'reconciling failed');
    return 'error';
  }

  #reportWorkers(change: number): void {
    this.#active += change;
    this.#metrics.workers(this.name, this.#active, this.#options.workers ?? 1);
  }
}
