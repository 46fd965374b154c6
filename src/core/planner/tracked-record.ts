import type { ListedBudget } from './budget-table.ts';
import type { PlanHost, PlanRecord } from './fleet-input.ts';
import type { Hold, WithdrawReason } from './fleet-plan-result.ts';
import type { MarkDecision } from './mark.ts';

/** What the gates of other records, and of the rollout as a whole, read of a record. */
export interface RecordFacts {
  /** Whether host edges and waves no longer wait for it. */
  readonly isDone: boolean;
  /** Whether nobody waits for it any more, and it is not on its target either (D7). */
  readonly isLeftBehind: boolean;
  /** Whether it halts its rollout (D2). */
  readonly isFailing: boolean;
  /** Whether it may keep its host busy (D20). */
  readonly isBusy: boolean;
  /** Whether it holds a slot of the budgets that list its host (D6). */
  readonly holdsSlot: boolean;
  /** Failures that the compliance gate counts (D4). */
  readonly outstanding: number;
}

/** The facts of a record that matters to nobody else. */
export const NO_FACTS: RecordFacts = {
  isDone: false,
  isLeftBehind: false,
  isFailing: false,
  isBusy: false,
  holdsSlot: false,
  outstanding: 0,
};

/** What the plan says about a record. */
export interface RecordOutcome {
  /** All gates that hold it, in gate order. */
  readonly holds: readonly Hold[];
  readonly isRecoverable: boolean;
  readonly decision: MarkDecision;
  /** Why its mark goes, where it does. */
  readonly reason: WithdrawReason;
  /** Whether something holds it that may never clear (D8). */
  readonly isSuspect: boolean;
}

/** The slots of one budget that are taken where this plan, and where the one before, has come to. */
export interface TakenSlots {
  taken: number;
  takenBefore: number;
}

const NO_HOLDS: readonly Hold[] = [];
/** What a record that is not marked takes. */
export const NO_SLOTS: readonly TakenSlots[] = [];

/** The outcome of a record that nothing is to be decided about. */
export const NO_OUTCOME: RecordOutcome = {
  holds: NO_HOLDS,
  isRecoverable: false,
  decision: 'none',
  reason: 'on-target',
  isSuspect: false,
};

/** A record, and what the last plan found out about it. */
export class TrackedRecord {
  record: PlanRecord;
  /** What is known of its host; undefined where nothing is. */
  host: PlanHost | undefined;
  /** Its place in the order of its rollout; earlier tries have negative ones. */
  readonly position: number;
  facts: RecordFacts = NO_FACTS;
  outcome: RecordOutcome = NO_OUTCOME;
  /** Whether this plan still has to look at it. */
  isTouched = false;
  /** The slots that the last plan gave it. */
  took: readonly TakenSlots[] = NO_SLOTS;
  /** The budgets that list its host, looked up when first needed. */
  budgets: readonly ListedBudget[] | undefined;

  constructor(record: PlanRecord, position: number) {
    this.record = record;
    this.position = position;
  }

  /** Whether it waits to be let through. */
  get isWaiting(): boolean {
    return this.record.state === 'Pending' && this.record.dispatchAckedAt === undefined;
  }
}
