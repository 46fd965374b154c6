import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { compareTimestamps } from '../../api/time.ts';

/**
 * Whether the recovery of a Pending record stops at Soaking (last sentence of D20): the host's newest earlier record
 * had the same target and did not converge, so that running the target proves nothing yet.
 */
export function stopsAtSoaking(record: HostRolloutRecord, ofHost: readonly HostRolloutRecord[]): boolean {
  let newest: HostRolloutRecord | undefined;
  for (const other of ofHost) {
    if (!isEarlier(other, record)) continue;
    if (newest === undefined || isEarlier(newest, other)) newest = other;
  }
  return newest?.spec.targetClosure === record.spec.targetClosure && newest.status?.state !== 'Converged';
}

/** By the leader's clock at opening; within one rollout by the attempt. */
function isEarlier(a: HostRolloutRecord, b: HostRolloutRecord): boolean {
  const order = compareTimestamps(a.spec.dispatchedAt, b.spec.dispatchedAt);
  return order < 0 || (order === 0 && a.spec.attempt < b.spec.attempt);
}
