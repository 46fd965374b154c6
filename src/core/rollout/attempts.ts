import type { RolloutManifest } from '../../api/artifacts/rollout-manifest.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { sha256Hex } from '../artifacts/hash.ts';
import { rolloutName } from '../naming.ts';
import { compareCodePoints } from '../planner/order.ts';

/** Which Rollout object carries an id of the content in force. */
export interface AttemptChoice {
  readonly name: string;
  readonly attempt: number;
  /** Whether it has to be opened. */
  readonly open: boolean;
}

/**
 * The attempt in force for an id (architecture.md D16): the newest one, unless it is superseded or was opened for other
 * hosts or targets; then the next one. The choice depends on objects only, so a crash on the way changes nothing.
 */
export function chooseAttempt(
  rolloutId: string,
  hostSet: string,
  rollouts: readonly Rollout[],
): AttemptChoice {
  const newest = newestAttempt(rolloutId, rollouts);
  if (newest === undefined) return { name: rolloutName(rolloutId, 1), attempt: 1, open: true };
  const { attempt, hostSetHash: openedFor } = newest.spec;
  if (newest.status?.state !== 'Superseded' && openedFor === hostSet) {
    return { name: newest.metadata.name, attempt, open: false };
  }
  return { name: rolloutName(rolloutId, attempt + 1), attempt: attempt + 1, open: true };
}

/** The newest attempt of an id among the given rollouts. */
export function newestAttempt(rolloutId: string, rollouts: readonly Rollout[]): Rollout | undefined {
  let newest: Rollout | undefined;
  for (const rollout of rollouts) {
    if (rollout.spec.rolloutId !== rolloutId) continue;
    if (newest === undefined || rollout.spec.attempt > newest.spec.attempt) newest = rollout;
  }
  return newest;
}

/** A hash over hosts, waves and targets of a manifest, independent of their order. */
export function hostSetHash(manifest: RolloutManifest): string {
  const hosts = manifest.hostSet
    .map(({ hostname, waveIndex, targetClosure }) => [hostname, waveIndex, targetClosure] as const)
    .toSorted(([a], [b]) => compareCodePoints(a, b));
  return sha256Hex(JSON.stringify(hosts));
}
