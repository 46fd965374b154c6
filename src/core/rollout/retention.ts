/** Which old rollouts may be forgotten (kubernetes-api.md, Rollout). */
import type { Fleet } from '../../api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { compareTimestamps, millisBetween, parseTimestamp, type Timestamp } from '../../api/time.ts';
import { durationOr } from '../duration.ts';
import { isInFlight } from './current-records.ts';
import { hasEnded } from './ending.ts';

/** What retention decides on. */
export interface RetentionFacts {
  /** The served Fleet; without its channels nothing is forgotten. */
  readonly fleet: Fleet | undefined;
  readonly rollouts: readonly Rollout[];
  readonly recordsOf: (rollout: Rollout) => readonly HostRolloutRecord[];
  readonly now: Timestamp;
}

const DEFAULT_MIN_AGE_MS = 3_600_000;

/**
 * The rollouts to delete: finished for long enough, not among the newest of their channel, not named by the content in
 * force, and without a host that may be switching on their behalf.
 */
export function expiredRollouts(facts: RetentionFacts): Rollout[] {
  const { fleet, rollouts, recordsOf, now } = facts;
  if (fleet?.status?.channels === undefined) return [];
  const { attemptsPerChannel, minAge } = fleet.spec.retention;
  const minAgeMs = durationOr(minAge, DEFAULT_MIN_AGE_MS);
  const inForce = new Set(fleet.status.channels.map(({ rollout }) => rollout));
  const finished = rollouts.filter(
    ({ metadata, status }) => !inForce.has(metadata.name) && status !== undefined && hasEnded(status.state),
  );
  return [...Map.groupBy(finished, ({ spec }) => spec.channel).values()]
    .flatMap((attempts) => attempts.toSorted(newestFirst(now)).slice(attemptsPerChannel))
    .filter((rollout) => millisBetween(endOf(rollout, now), now) >= minAgeMs)
    .filter((rollout) => !recordsOf(rollout).some(isInFlight));
}

function endOf({ status, metadata }: Rollout, now: Timestamp): Timestamp {
  const { supersededAt, terminalAt, openedAt } = status ?? {};
  const created = metadata.creationTimestamp;
  return (
    supersededAt ??
    terminalAt ??
    openedAt ??
    (created === undefined ? undefined : parseTimestamp(created)) ??
    now
  );
}

function newestFirst(now: Timestamp): (a: Rollout, b: Rollout) => number {
  return (a, b) =>
    compareTimestamps(endOf(b, now), endOf(a, now)) || (a.metadata.name < b.metadata.name ? -1 : 1);
}
