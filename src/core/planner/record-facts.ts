import type { FleetView } from './fleet-view.ts';
import { busySince } from './gates/host-busy.ts';
import { holdsSlot } from './held-slots.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import { NO_FACTS, type RecordFacts, type TrackedRecord } from './tracked-record.ts';

/**
 * What others read of a record, from itself, its host and the other records of its host alone. All facts are found out
 * before any gate is asked, so that a record whose facts stayed the same can be left out of sight by all others.
 */
export function factsOf(
  { record, host, position }: TrackedRecord,
  standing: RolloutStanding | undefined,
  view: FleetView,
): RecordFacts {
  const isBusy = busySince(record, host) !== undefined;
  if (standing === undefined) return isBusy ? { ...NO_FACTS, isBusy } : NO_FACTS;
  const { state, clearedAt } = record;
  const counts = standing.isCurrent && position >= 0;
  const isOut = counts && view.isLeftBehind(record, host);
  const isDone = counts && (isOut || state === 'Converged' || state === 'Deferred');
  const isFailing = counts && clearedAt === undefined && (state === 'Failed' || state === 'Reverted');
  const slot = holdsSlot(record, standing, view.holdContext);
  const outstanding = counts && !isOut ? record.outstandingFailures : 0;
  if (!isDone && !isFailing && !isBusy && !slot && outstanding === 0) return NO_FACTS;
  const isLeftBehind = isOut && state !== 'Converged';
  return { isDone, isLeftBehind, isFailing, isBusy, holdsSlot: slot, outstanding };
}
