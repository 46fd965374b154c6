import { addMillis, type Timestamp } from '../../api/time.ts';
import type { BudgetTable } from './budget-table.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { Standings } from './standings.ts';
import type { WakeTime } from './wake-time.ts';

/**
 * The budget slots that are taken, by budget key (D6, D20). Held slots are counted before anything is decided; a mark
 * that is about to be withdrawn still holds its slot, because the host may fetch it first.
 */
export class HeldSlots {
  readonly #budgets: BudgetTable;
  readonly #counts = new Map<string, number>();
  readonly #holders = new Set<PlanRecord>();

  constructor(budgets: BudgetTable) {
    this.#budgets = budgets;
  }

  /** Counts a record that holds a slot of every budget of its rollout that lists its host. */
  hold(record: PlanRecord): void {
    this.#holders.add(record);
    this.take(record);
  }

  /** Gives a free slot to a record that is going to be marked. */
  take(record: PlanRecord): void {
    for (const key of this.#budgets.keysHeld(record.rollout, record.hostname)) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }

  /** Whether any slot was held before this plan. */
  get hasHolders(): boolean {
    return this.#holders.size > 0;
  }

  /** The slots taken under a key. */
  taken(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Whether one of them is this record's own: a mark never counts against itself. */
  isTakenBy(record: PlanRecord, key: string): boolean {
    return this.#holders.has(record) && this.#budgets.keysHeld(record.rollout, record.hostname).includes(key);
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
  if (successor === undefined) return false;
  return successor.state !== 'Pending' || successor.dispatchAckedAt !== undefined;
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
