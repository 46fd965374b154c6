import { addMillis, type Timestamp } from '../../api/time.ts';
import type { BudgetTable, ListedBudget } from './budget-table.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { BudgetView } from './gates/view.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { Standings } from './standings.ts';
import type { TrackedRecord } from './tracked-record.ts';
import type { WakeTime } from './wake-time.ts';

/** The slots of one budget key: held when a plan starts, and taken where this plan, and where the last one, has come to. */
interface SlotCount {
  held: number;
  heldBefore: number;
  taken: number;
  takenBefore: number;
}

/**
 * The budget slots that are taken, by budget key (D6, D20). Held slots are counted before anything is decided; a mark
 * that is about to be withdrawn still holds its slot, because the host may fetch it first.
 *
 * Beside its own count a plan follows that of the plan before, place by place: where both are the same, a budget says
 * the same as before.
 */
export class HeldSlots {
  readonly #budgets: BudgetTable;
  readonly #counts = new Map<string, SlotCount>();
  #holders = 0;

  constructor(budgets: BudgetTable) {
    this.#budgets = budgets;
  }

  /** Counts a record that holds a slot of every budget of its rollout that lists its host, or counts it no more. */
  hold(record: TrackedRecord, holds: boolean): void {
    const change = holds ? 1 : -1;
    this.#holders += change;
    for (const { key, isFirst } of this.#listing(record)) if (isFirst) this.#count(key).held += change;
  }

  /** Starts a plan: nothing is taken but what is held. */
  begin(): void {
    for (const count of this.#counts.values()) {
      count.takenBefore = count.heldBefore;
      count.taken = count.held;
      count.heldBefore = count.held;
    }
  }

  /** Gives a free slot to a record that is going to be marked. */
  take(record: TrackedRecord): void {
    for (const { key, isFirst } of this.#listing(record)) if (isFirst) this.#count(key).taken++;
  }

  /** Follows the plan before, which gave a slot to this record. */
  tookBefore(record: TrackedRecord): void {
    for (const { key, isFirst } of this.#listing(record)) if (isFirst) this.#count(key).takenBefore++;
  }

  /** Whether any slot was held before this plan. */
  get hasHolders(): boolean {
    return this.#holders > 0;
  }

  /** The slots taken under a key. */
  taken(key: string): number {
    return this.#counts.get(key)?.taken ?? 0;
  }

  /** Whether one of them is this record's own: a mark never counts against itself. */
  isTakenBy(record: TrackedRecord, key: string): boolean {
    return (
      record.facts.holdsSlot && this.#listing(record).some((budget) => budget.isFirst && budget.key === key)
    );
  }

  /** Whether some budget of a rollout may say something else here than at this place of the plan before. */
  differFor(rollout: string): boolean {
    return this.#budgets.of(rollout).some((budget) => this.#differs(budget));
  }

  /** Whether a budget that lists the record's host may say something else here. */
  differForRecord(record: TrackedRecord): boolean {
    return this.#listing(record).some((budget) => this.#differs(budget));
  }

  /** A budget that was not full then and is not now holds nobody, whatever its count. */
  #differs({ key, max }: BudgetView): boolean {
    const count = this.#counts.get(key);
    if (max === null || count === undefined || count.taken === count.takenBefore) return false;
    return Math.max(count.taken, count.takenBefore) >= max;
  }

  #listing(tracked: TrackedRecord): readonly ListedBudget[] {
    const { rollout, hostname } = tracked.record;
    return (tracked.budgets ??= this.#budgets.listing(rollout, hostname));
  }

  #count(key: string): SlotCount {
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { held: 0, heldBefore: 0, taken: 0, takenBefore: 0 };
      this.#counts.set(key, count);
    }
    return count;
  }
}

/** What decides whether a record of a superseded rollout still holds its slot. */
export interface HoldContext {
  readonly standings: Standings;
  readonly channelOf: (host: string) => string | undefined;
  /** How long past its soak such a record may hold, in milliseconds. */
  readonly graceMs: number;
  readonly wake: WakeTime;
}

/**
 * Whether a record holds a slot: marked, Activating or Soaking, and nobody cleared it. In a superseded rollout a
 * delivered one stops holding once its successor has moved or its soak is over by the grace period (D20).
 */
export function holdsSlot(record: PlanRecord, standing: RolloutStanding, context: HoldContext): boolean {
  if (record.clearedAt !== undefined) return false;
  const inFlight = record.state === 'Activating' || record.state === 'Soaking';
  const marked = record.state === 'Pending' && record.dispatch !== undefined;
  if (!inFlight && !marked) return false;
  if (standing.isCurrent || (marked && record.dispatch?.deliveredAt === undefined)) return true;
  return !hasSuccessorMoved(record, standing, context) && !isOverdue(record, context);
}

function hasSuccessorMoved(record: PlanRecord, standing: RolloutStanding, context: HoldContext): boolean {
  const channel = context.channelOf(record.hostname) ?? standing.rollout.channel;
  const successor = context.standings.currentFor(channel)?.record(record.hostname);
  return successor !== undefined && !successor.isWaiting;
}

function isOverdue(record: PlanRecord, { graceMs, wake }: HoldContext): boolean {
  const due = soakEnd(record);
  return due !== undefined && wake.isPast(due, graceMs);
}

/** A record that was marked before soak ends were kept has none of its own. */
function soakEnd({ soakDueAt, dispatch, soakMinutes }: PlanRecord): Timestamp | undefined {
  if (soakDueAt !== undefined || dispatch === undefined) return soakDueAt;
  return addMillis(dispatch.queuedAt, soakMinutes * 60_000);
}
