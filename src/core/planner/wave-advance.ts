import type { WaveStep } from './fleet-plan-result.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { TrackedRecord } from './tracked-record.ts';
import type { PlannerWave } from './types.ts';

/** Where a rollout goes on to now, or whom it waits for. */
export interface WaveOutlook {
  readonly step?: WaveStep;
  /** A host without which the wave is not over, whatever the others do. */
  readonly waitsFor?: TrackedRecord;
}

/**
 * How far a rollout goes on now: over every wave whose hosts are all done or left behind, to the last wave at most.
 * Empty waves are passed, and a listed host without record in this rollout is not waited for (D8).
 */
export function waveOutlook(standing: RolloutStanding, waves: readonly PlannerWave[]): WaveOutlook {
  const { rollout } = standing;
  const from = rollout.currentWave;
  let to = from;
  let reason: string | undefined;
  for (const wave of waves.slice(from, -1)) {
    const { done, waitsFor } = waveDone(standing, wave);
    if (reason === undefined && waitsFor !== undefined) return { waitsFor };
    if (done === undefined) break;
    to++;
    reason = done;
  }
  return reason === undefined ? {} : { step: { rollout, from, to, reason: `wave ${to - 1}: ${reason}` } };
}

/** Why a wave is over, for people, or the first host that it waits for; neither where silence alone is left. */
function waveDone(
  standing: RolloutStanding,
  wave: PlannerWave,
): { readonly done?: string; readonly waitsFor?: TrackedRecord } {
  let converged = 0;
  let deferred = 0;
  let cleared = 0;
  let skipped = 0;
  for (const host of wave.hosts) {
    const tracked = standing.record(host);
    if (tracked === undefined) continue;
    const { state, clearedAt } = tracked.record;
    if (state === 'Converged') converged++;
    else if (state === 'Deferred') deferred++;
    else if (clearedAt !== undefined) cleared++;
    else if (tracked.facts.isDone) skipped++;
    else return { waitsFor: tracked };
  }
  if (converged + deferred + cleared + skipped === 0) return { done: 'no host of this rollout is in it' };
  // Silence alone is no proof that the release works.
  if (skipped > 0 && converged === 0) return {};
  return {
    done: summary({ Converged: converged, Deferred: deferred, cleared, 'skipped while offline': skipped }),
  };
}

function summary(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}
