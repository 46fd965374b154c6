/** Which records a rollout goes by (architecture.md D16, D21). */
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { HostState } from '../../api/wire/enums.ts';
import { sortedByCodePoint } from '../planner/order.ts';
import { isOwnedBy } from './open.ts';

/** The records of a rollout: what counts, and what a retry has replaced. */
export interface RolloutRecords {
  /** The newest try of each host, ascending by hostname. */
  readonly newest: readonly HostRolloutRecord[];
  /** Earlier tries, to be deleted. */
  readonly older: readonly HostRolloutRecord[];
}

/** Sorts out the records that name a Rollout: another owner's do not count, of several tries the newest does. */
export function recordsOfRollout(rollout: Rollout, candidates: readonly HostRolloutRecord[]): RolloutRecords {
  const newest = new Map<string, HostRolloutRecord>();
  const older: HostRolloutRecord[] = [];
  for (const record of candidates) {
    if (!isOwnedBy(record, rollout)) continue;
    const known = newest.get(record.spec.hostname);
    if (known === undefined) newest.set(record.spec.hostname, record);
    else if (known.spec.attempt < record.spec.attempt) {
      newest.set(record.spec.hostname, record);
      older.push(known);
    } else older.push(record);
  }
  return { newest: sortedByCodePoint([...newest.values()], ({ spec }) => spec.hostname), older };
}

/** The state of a record; one without status is Pending. */
export function stateOf(record: HostRolloutRecord): HostState {
  return record.status?.state ?? 'Pending';
}

/** Whether a record halts its rollout: Failed or Reverted, and nobody has dealt with it (D2). */
export function halts(record: HostRolloutRecord): boolean {
  const { state, clearedAt } = record.status ?? {};
  return (state === 'Failed' || state === 'Reverted') && clearedAt === undefined;
}

/** Whether a record keeps its rollout from being forgotten: a host may be switching on its behalf. */
export function isInFlight(record: HostRolloutRecord): boolean {
  const state = stateOf(record);
  return state === 'Activating' || state === 'Soaking' || record.status?.dispatch?.deliveredAt !== undefined;
}
