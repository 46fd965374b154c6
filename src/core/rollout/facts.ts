import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { Timestamp } from '../../api/time.ts';
import { isLeftBehind } from '../planner/left-behind.ts';
import { stateOf } from './current-records.ts';

/** All that a Rollout's status follows from. */
export interface RolloutFacts {
  readonly rollout: Rollout;
  /** The newest try of each host, ascending by hostname. */
  readonly records: readonly HostRolloutRecord[];
  /** Whether the leader's verdict on the Host of that name is that it is offline. */
  readonly isOffline: (hostRef: string) => boolean;
  readonly offlinePolicy: 'Wait' | 'Skip';
  readonly fleetOnHold: boolean;
  readonly now: Timestamp;
}

/** Whether all records that the manifest names exist (D21). */
export function isOpened({ rollout, records }: RolloutFacts): boolean {
  return records.length === rollout.spec.hostCount;
}

/** Whether nobody waits for this record's host any more; one that has converged needs no leaving behind (D7). */
export function isGivenUp(record: HostRolloutRecord, facts: RolloutFacts): boolean {
  if (stateOf(record) === 'Converged') return false;
  return isLeftBehind(record.status ?? {}, facts.isOffline(record.spec.hostRef), facts.offlinePolicy);
}

/**
 * Whether the rollout has come to its end: exactly the manifest's hosts, each converged or left behind. Skipping alone
 * ends no wave: where an offline host is skipped, another one of its wave has to have converged (D7).
 */
export function isComplete(facts: RolloutFacts): boolean {
  if (!isOpened(facts)) return false;
  const skippedIn = new Set<number>();
  const convergedIn = new Set<number>();
  for (const record of facts.records) {
    if (stateOf(record) === 'Converged') convergedIn.add(record.spec.wave);
    else if (!isGivenUp(record, facts)) return false;
    else if (record.status?.clearedAt === undefined) skippedIn.add(record.spec.wave);
  }
  return [...skippedIn].every((wave) => convergedIn.has(wave));
}
