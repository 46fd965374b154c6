/** Leaving hosts behind because a person says so (architecture.md D2). */
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { compareTimestamps, parseTimestamp, type Timestamp } from '../../api/time.ts';
import { halts } from './current-records.ts';

/** A clear that was asked for and not carried out yet. */
export interface ClearRequest {
  /** In normal form. */
  readonly at: Timestamp;
  readonly reason: string;
  /** Empty: every host that halts the rollout. */
  readonly hosts: readonly string[];
}

/** The clear that is due: newer than the one that was carried out last. */
export function clearDue(rollout: Rollout): ClearRequest | undefined {
  const { clear } = rollout.spec.intent;
  if (clear === undefined) return undefined;
  // People write times with offsets, too.
  const at = parseTimestamp(clear.at);
  if (at === undefined) return undefined;
  const done = rollout.status?.clearedAt;
  if (done !== undefined && compareTimestamps(at, done) <= 0) return undefined;
  return { at, reason: clear.reason, hosts: clear.hosts };
}

/** Whether a clear is about this record: without names every one that halts, with names those, whatever their state. */
export function isCleared(record: HostRolloutRecord, { hosts }: ClearRequest): boolean {
  if (record.status?.clearedAt !== undefined) return false;
  return hosts.length === 0 ? halts(record) : hosts.includes(record.spec.hostname);
}
