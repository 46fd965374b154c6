import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../api/time.ts';
import { foldObject } from './fold-object.ts';

/** A record and the attempt of its Rollout; 0 where the Rollout is not known. */
export interface Attempt {
  readonly object: HostRolloutRecord;
  readonly rolloutAttempt: number;
}

/**
 * The record of one id that an event belongs to (D16): the newest attempt that was delivered or has left Pending, else
 * the newest. Attempts of the Rollout count first, then retries of the host.
 */
export function recordForEvent(attempts: readonly Attempt[], now: Timestamp): HostRolloutRecord | undefined {
  if (attempts.length <= 1) return attempts[0]?.object;
  const newestFirst = attempts.toSorted(
    (a, b) => b.rolloutAttempt - a.rolloutAttempt || b.object.spec.attempt - a.object.spec.attempt,
  );
  const begun = newestFirst.find(({ object }) => hasBegun(object, now));
  return (begun ?? newestFirst[0])?.object;
}

/** The highest event number that other attempts of the record's id have promised to its host; 0 where there are none. */
export function promisedByOthers(
  { spec, metadata }: HostRolloutRecord,
  others: readonly HostRolloutRecord[],
  now: Timestamp,
): number {
  let promised = 0;
  for (const other of others) {
    if (other.spec.rolloutId !== spec.rolloutId || other.spec.hostname !== spec.hostname) continue;
    if (other.metadata.uid !== metadata.uid) {
      promised = Math.max(promised, foldObject(other, now).record.lastEventSeq);
    }
  }
  return promised;
}

function hasBegun(object: HostRolloutRecord, now: Timestamp): boolean {
  const { record, extras } = foldObject(object, now);
  return record.state !== 'Pending' || extras.dispatch?.deliveredAt !== undefined;
}
