import type {
  BlockedBy,
  DispatchMark,
  HostRolloutRecordStatus,
} from '../../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../../api/time.ts';
import type { FleetPlan, Hold, NewMark } from './fleet-plan-result.ts';

/** What a plan does to one record. */
export interface PlannedChange {
  readonly mark?: NewMark;
  readonly action?: 'withdraw' | 'suspend' | 'resume' | 'restamp';
  readonly holds: readonly Hold[];
}

const NO_HOLDS: readonly Hold[] = [];

/**
 * Collects by record name what a plan does to it. A record that is neither held nor marked is absent; so is a held one
 * that the plan did not visit, because the plan before said the same of it.
 */
export function plannedChanges(plan: FleetPlan): Map<string, PlannedChange> {
  const changes = new Map<string, PlannedChange>();
  const note = (name: string, change: Omit<PlannedChange, 'holds'>): void => {
    changes.set(name, { holds: plan.blockedBy.get(name) ?? NO_HOLDS, ...change });
  };
  for (const name of plan.visited ?? plan.blockedBy.keys()) if (plan.blockedBy.has(name)) note(name, {});
  for (const mark of plan.marks) note(mark.record.name, { mark });
  for (const { record } of plan.withdrawals) note(record.name, { action: 'withdraw' });
  for (const { record } of plan.suspensions) note(record.name, { action: 'suspend' });
  for (const record of plan.resumptions) note(record.name, { action: 'resume' });
  for (const record of plan.restamps) note(record.name, { action: 'restamp' });
  return changes;
}

/**
 * The status of a record after a plan: its mark (D3: soakDueAt follows the mark, and goes with it), and all gates that
 * hold it, each with the time since when (D9). Returns the same object where nothing changes.
 */
export function statusAfterPlan(
  status: HostRolloutRecordStatus,
  change: PlannedChange | undefined,
  term: number,
  now: Timestamp,
): HostRolloutRecordStatus {
  const marked = change === undefined ? status : withMark(status, change, term);
  const blockedBy = withSince(status.blockedBy, change?.holds ?? NO_HOLDS, now);
  if (blockedBy === status.blockedBy) return marked;
  const { blockedBy: _former, ...rest } = marked;
  return blockedBy === undefined ? rest : { ...rest, blockedBy };
}

function withMark(
  status: HostRolloutRecordStatus,
  change: PlannedChange,
  term: number,
): HostRolloutRecordStatus {
  const { mark, action } = change;
  if (mark !== undefined) {
    const { queuedAt, soakDueAt, closureBeforeDispatch } = mark;
    return {
      ...status,
      dispatch: { queuedAt, term: mark.term },
      soakDueAt,
      ...(closureBeforeDispatch !== undefined && { closureBeforeDispatch }),
    };
  }
  const { dispatch } = status;
  if (action === undefined || dispatch === undefined) return status;
  if (action === 'withdraw') {
    const { dispatch: _mark, soakDueAt: _due, ...rest } = status;
    return rest;
  }
  return { ...status, dispatch: remarked(dispatch, action, term) };
}

function remarked(mark: DispatchMark, action: 'suspend' | 'resume' | 'restamp', term: number): DispatchMark {
  if (action === 'suspend') return { ...mark, suspended: true };
  const { suspended: _suspended, ...rest } = mark;
  return action === 'resume' ? { ...rest, term } : { ...mark, term };
}

function withSince(
  former: BlockedBy[] | undefined,
  holds: readonly Hold[],
  now: Timestamp,
): BlockedBy[] | undefined {
  if (holds.length === 0) return undefined;
  const before = former ?? [];
  const next = holds.map(({ gate, key }): BlockedBy => {
    const known = before.find((entry) => entry.gate === gate && entry.key === key);
    return known ?? { gate, ...(key !== undefined && { key }), since: now };
  });
  const same = next.length === before.length && next.every((entry, index) => entry === before[index]);
  return same ? before : next;
}
