/** Why a reflector read the whole collection again. */
export type RelistReason = 'start' | 'expired' | 'rewound' | 'replaced' | 'failed';

/** How a reconcile ended, in controller-runtime's words. */
export type ReconcileOutcome = 'success' | 'requeue_after' | 'requeue' | 'error';

/** What the runtime reports about itself; durations are in seconds. Implementations must not throw. */
export interface RuntimeMetrics {
  /** An answered or failed request; `code` is the HTTP status or `<error>`. */
  request(verb: string, resource: string, code: string, seconds: number): void;
  /** Time a request waited for the client's own token bucket. */
  rateLimited(seconds: number): void;
  queueDepth(queue: string, depth: number): void;
  queueAdded(queue: string): void;
  /** Time a key waited before a worker took it. */
  queueWaited(queue: string, seconds: number): void;
  /** Time a worker held a key. */
  queueWorked(queue: string, seconds: number): void;
  queueRetried(queue: string): void;
  reconciled(controller: string, outcome: ReconcileOutcome, seconds: number): void;
  /** Workers busy at the moment, and how many there are. */
  workers(controller: string, active: number, limit: number): void;
  /** A reflector read the whole collection. */
  relisted(resource: string, reason: RelistReason): void;
  /** A watch ended, by cause. */
  watchEnded(resource: string, cause: string): void;
  /** Whether this process holds the Lease of that name. */
  leader(lease: string, leading: boolean): void;
  /** Events not sent, by cause. */
  eventDropped(cause: 'duplicate' | 'queue-full' | 'failed'): void;
}

/** Counts nothing. */
export const noMetrics: RuntimeMetrics = {
  request: () => undefined,
  rateLimited: () => undefined,
  queueDepth: () => undefined,
  queueAdded: () => undefined,
  queueWaited: () => undefined,
  queueWorked: () => undefined,
  queueRetried: () => undefined,
  reconciled: () => undefined,
  workers: () => undefined,
  relisted: () => undefined,
  watchEnded: () => undefined,
  leader: () => undefined,
  eventDropped: () => undefined,
};
