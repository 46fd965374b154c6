/** What the controllers count about fleets; implementations must not throw. */
export interface DomainMetrics {
  /** A release was judged; `reason` is `Verified` or the refusal's. */
  releaseJudged(reason: string): void;
  /** A host's record changed its state. */
  hostTransition(from: string, to: string): void;
  /** A Rollout changed its state. */
  rolloutTransition(from: string, to: string): void;
  /** An inbox entry was refused by the reducer. */
  eventRefused(reason: string): void;
  /** A plan was made; duration in seconds. */
  planned(seconds: number): void;
  /** A plan that followed the changes said something else than one of everything. */
  planDiverged(): void;
  /** An inbox was folded; duration in seconds. */
  folded(seconds: number): void;
  /** Hosts that each gate holds, of all rollouts. */
  blocked(counts: ReadonlyMap<string, number>): void;
  /** Marks made, withdrawn and suspended by a plan. */
  marks(action: 'marked' | 'withdrawn' | 'suspended' | 'restamped', count: number): void;
}

/** Counts nothing. */
export const noDomainMetrics: DomainMetrics = {
  releaseJudged: () => undefined,
  hostTransition: () => undefined,
  rolloutTransition: () => undefined,
  eventRefused: () => undefined,
  planned: () => undefined,
  planDiverged: () => undefined,
  folded: () => undefined,
  blocked: () => undefined,
  marks: () => undefined,
};
