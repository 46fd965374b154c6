import type { PlanRecord } from './fleet-input.ts';
import type { WaveStep } from './fleet-plan-result.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { PlannerWave } from './types.ts';

/**
 * How far a rollout goes on now: over every wave whose hosts are all done or left behind, to the last wave at most.
 * Empty waves are passed, and a listed host without record in this rollout is not waited for (D8).
 */
export function waveStep(
  standing: RolloutStanding,
  waves: readonly PlannerWave[],
  isLeftBehind: (record: PlanRecord) => boolean,
): WaveStep | undefined {
  const { rollout } = standing;
  const from = rollout.currentWave;
  let to = from;
  let reason: string | undefined;
  for (const wave of waves.slice(from, -1)) {
    const done = waveDone(standing, wave, isLeftBehind);
    if (done === undefined) break;
    to++;
    reason = done;
  }
  return reason === undefined ? undefined : { rollout, from, to, reason: `wave ${to - 1}: ${reason}` };
}

/** Why a wave is over, for people; undefined while it is not. */
function waveDone(
  standing: RolloutStanding,
  wave: PlannerWave,
  isLeftBehind: (record: PlanRecord) => boolean,
): string | undefined {
  let converged = 0;
  let deferred = 0;
  let cleared = 0;
  let skipped = 0;
  for (const host of wave.hosts) {
    const record = standing.record(host);
    if (record === undefined) continue;
    if (record.state === 'Converged') converged++;
    else if (record.state === 'Deferred') deferred++;
    else if (record.clearedAt !== undefined) cleared++;
    else if (isLeftBehind(record)) skipped++;
    else return undefined;
  }
  if (converged + deferred + cleared + skipped === 0) return 'no host of this rollout is in it';
  // Silence alone is no proof that the release works.
  if (skipped > 0 && converged === 0) return undefined;
  return summary({ Converged: converged, Deferred: deferred, cleared, 'skipped while offline': skipped });
}

function summary(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}
