/** Trying a host once more because a person says so (architecture.md D16). */
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { compareTimestamps, laterOf, parseTimestamp, type Timestamp } from '../../api/time.ts';
import { recordName } from '../naming.ts';
import type { RolloutRecords } from './current-records.ts';

/** A retry that is due. */
export interface Retry {
  readonly record: HostRolloutRecord;
  readonly reason: string;
}

/** What retries call for now: records to create, and earlier tries to delete after that. */
export interface RetryPlan {
  readonly retries: readonly Retry[];
  readonly obsolete: readonly HostRolloutRecord[];
  /** Hosts that cannot be retried, because the rollout has no record of them or is over. */
  readonly refused: readonly string[];
}

/**
 * What is to be done. A retry is done when a record of the host with dispatchedAt at or after the request exists, so a
 * crash between creating and deleting changes nothing.
 */
export function planRetries(rollout: Rollout, { newest, older }: RolloutRecords, now: Timestamp): RetryPlan {
  const over = rollout.status?.state === 'Superseded';
  const retries: Retry[] = [];
  const refused: string[] = [];
  for (const { host, at: text, reason } of rollout.spec.intent.retry) {
    const at = parseTimestamp(text);
    const record = newest.find(({ spec }) => spec.hostname === host);
    if (at === undefined || (record !== undefined && isDone(record, at))) continue;
    if (over || record === undefined) refused.push(host);
    else retries.push({ record: nextTry(record, laterOf(at, now)), reason });
  }
  return { retries, refused, obsolete: older.filter(isDecided) };
}

function isDone(record: HostRolloutRecord, at: Timestamp): boolean {
  return compareTimestamps(record.spec.dispatchedAt, at) >= 0;
}

/** What the host said and what it led to (a quarantine, above all) must not get lost with the record. */
function isDecided({ status }: HostRolloutRecord): boolean {
  return (status?.inbox?.length ?? 0) === 0 && (status?.pendingEffects?.length ?? 0) === 0;
}

function nextTry(old: HostRolloutRecord, dispatchedAt: Timestamp): HostRolloutRecord {
  const attempt = old.spec.attempt + 1;
  const { namespace, labels, ownerReferences } = old.metadata;
  return {
    apiVersion: old.apiVersion,
    kind: old.kind,
    metadata: {
      name: recordName(old.spec.rolloutRef, old.spec.hostRef, attempt),
      ...(namespace !== undefined && { namespace }),
      ...(labels !== undefined && { labels }),
      ...(ownerReferences !== undefined && { ownerReferences }),
    },
    spec: { ...old.spec, attempt, firstSeq: promisedSeq(old), dispatchedAt },
  };
}

/** The last event that the host was told is stored, decided or not. */
function promisedSeq({ spec, status }: HostRolloutRecord): number {
  const waiting = status?.inbox?.map(({ seq }) => seq ?? 0) ?? [];
  return Math.max(spec.firstSeq, status?.lastEventSeq ?? 0, ...waiting);
}
