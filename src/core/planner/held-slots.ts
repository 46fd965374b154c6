import { addMillis, type Timestamp } from '../../api/time.ts';
import type { BudgetTable, ListedBudget } from './budget-table.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { BudgetView } from './gates/view.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { Standings } from './standings.ts';
import { NO_SLOTS, type TakenSlots, type TrackedRecord } from './tracked-record.ts';
import type { WakeTime } from './wake-time.ts';

/** The slots of one budget key. A host has one, however many of its records hold it. */
interface SlotCount extends TakenSlots {
  /** Held when the plan before started. */
  heldBefore: number;
  /** By hostname: those of its records that hold. */
  readonly holders: Map<string, Set<TrackedRecord>>;
}

/**
 * The budget slots that are taken, by budget key (D6, D20, docs/adr/0033). Held slots are counted before anything is decided; a mark
 * that is about to be withdrawn still holds its slot, because the host may fetch it first.
 *
 * Beside its own count a plan follows that of the plan before, place by place: where both are the same, a budget says
 * the same as before.
 */
export class HeldSlots {
  readonly #budgets: BudgetTable;
  readonly #counts = new Map<string, SlotCount>();

  constructor(budgets: BudgetTable) {
    this.#budgets = budgets;
  }

  /** Counts a record that holds a slot of every budget of its rollout that lists its host, or counts it no more. */
  hold(record: TrackedRecord, holds: boolean): void {
    const { hostname } = record.record;
    for (const { holders } of this.#countsOf(record)) {
      const records = holders.get(hostname) ?? new Set();
      if (holds) records.add(record);
      else records.delete(record);
      if (records.size === 0) holders.delete(hostname);
      else holders.set(hostname, records);
    }
  }

  /** Starts a plan: nothing is taken but what is held. */
  begin(): void {
    for (const count of this.#counts.values()) {
      count.takenBefore = count.heldBefore;
      count.taken = count.holders.size;
      count.heldBefore = count.holders.size;
    }
  }

  /** Gives free slots to a record that is going to be marked, where its host has none, or takes them back. */
  take(record: TrackedRecord, takes: boolean): void {
    for (const count of record.took) count.takenBefore++;
    const { hostname } = record.record;
    record.took = takes ? this.#countsOf(record).filter(({ holders }) => !holders.has(hostname)) : NO_SLOTS;
    for (const count of record.took) count.taken++;
  }

  /**
   * The slots under a key that are not free for a record: neither its own mark counts against it, nor that its host still
   * soaks for another release. A mark of another record of the host does, until it is withdrawn.
   */
  takenFor(record: TrackedRecord | undefined, key: string): number {
    const count = this.#counts.get(key);
    if (count === undefined) return 0;
    const own = record && count.holders.get(record.record.hostname);
    if (own === undefined) return count.taken;
    for (const other of own) if (other !== record && other.record.state === 'Pending') return count.taken;
    return count.taken - 1;
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

  /** The counts of the budgets that list the record's host. */
  #countsOf(record: TrackedRecord): SlotCount[] {
    const counts: SlotCount[] = [];
    for (const { key, isFirst } of this.#listing(record)) if (isFirst) counts.push(this.#count(key));
    return counts;
  }

  #count(key: string): SlotCount {
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { heldBefore: 0, taken: 0, takenBefore: 0, holders: new Map() };
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
