import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { compareTimestamps } from '../../api/time.ts';

/** The record that says where a host stands: the latest to be opened, of several tries the last. */
export function newestRecord(records: readonly HostRolloutRecord[]): HostRolloutRecord | undefined {
  let newest: HostRolloutRecord | undefined;
  for (const record of records) {
    if (newest === undefined || isNewer(record, newest)) newest = record;
  }
  return newest;
}

function isNewer({ spec: a }: HostRolloutRecord, { spec: b }: HostRolloutRecord): boolean {
  const order = compareTimestamps(a.dispatchedAt, b.dispatchedAt);
  return order > 0 || (order === 0 && a.attempt > b.attempt);
}
