import { BlockSummary } from './block-summary.ts';
import type { PlanRollout } from './fleet-input.ts';
import type { Deadlock, WaveStep } from './fleet-plan-result.ts';
import type { RolloutHolds } from './holds.ts';
import { OrderedRecords } from './ordered-records.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { RecordOutcome, TrackedRecord } from './tracked-record.ts';

/** A rollout's part of the plan, and what of it has to be looked at again. */
export class RolloutPlan {
  readonly standing: RolloutStanding;
  holds: RolloutHolds = { first: [], last: null };
  step: WaveStep | undefined;
  /** A host without which the wave is not over. */
  waitsFor: TrackedRecord | undefined;
  deadlocks: readonly Deadlock[] = [];
  /** Records about whose marks something is decided. */
  readonly actions = new OrderedRecords();
  /** Records that may be held for good. */
  readonly suspects = new OrderedRecords();
  readonly summary = new BlockSummary();
  /** Whether every record has to be looked at. */
  isStale = true;
  /** Whether any record has to be. */
  hasMoved = true;
  /** Whether a host edge opened or closed. */
  edgesMoved = true;
  readonly #touched: TrackedRecord[] = [];

  constructor(standing: RolloutStanding) {
    this.standing = standing;
  }

  /** Has a record looked at again. */
  touch(tracked: TrackedRecord): void {
    this.hasMoved = true;
    if (tracked.isTouched) return;
    tracked.isTouched = true;
    this.#touched.push(tracked);
  }

  /** Goes on with the same rollout in another state. */
  moveOn(rollout: PlanRollout): void {
    this.standing.rollout = rollout;
    this.isStale = true;
  }

  /** Takes out the records to be looked at, in the order of the plan. */
  takeTouched(): readonly TrackedRecord[] {
    const touched = this.#touched.splice(0);
    for (const tracked of touched) tracked.isTouched = false;
    if (!this.isStale) return touched.toSorted((a, b) => a.position - b.position);
    return this.standing.tries;
  }

  /** Takes over what becomes of a record. */
  note(tracked: TrackedRecord, outcome: RecordOutcome): void {
    const { outcome: before } = tracked;
    tracked.outcome = outcome;
    this.summary.replace(before.holds, outcome.holds);
    if (outcome.isSuspect !== before.isSuspect) this.suspects.set(tracked, outcome.isSuspect);
    const isAction = outcome.decision !== 'none';
    if (isAction !== (before.decision !== 'none')) this.actions.set(tracked, isAction);
  }

  /** Nothing is left to be looked at. */
  settle(): void {
    this.isStale = false;
    this.hasMoved = false;
    this.edgesMoved = false;
  }
}
