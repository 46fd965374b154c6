import { sortedByCodePoint } from './order.ts';
import { PlanIndex } from './plan-index.ts';
import type { FleetState, PlannerManifests, RolloutRow } from './types.ts';

/** The rollouts that move to their next wave, ascending by id, and where every rollout then stands. */
export interface WaveAdvance {
  readonly bumps: readonly { readonly rolloutId: string; readonly nextWave: number }[];
  readonly currentWave: ReadonlyMap<string, number>;
}

/**
 * One step of v0.2's promotion: a rollout moves on when every host its wave lists is Converged or Deferred in it
 * (planner.md §11). Empty waves and listed hosts without a record stop it for ever; the operator's own plan does not
 * use this rule (D8).
 */
export function advanceWaves(manifests: PlannerManifests, fleetState: FleetState): WaveAdvance {
  const index = new PlanIndex(manifests, fleetState, new Map());
  const bumps: { rolloutId: string; nextWave: number }[] = [];
  const currentWave = new Map<string, number>();
  for (const rollout of sortedByCodePoint(fleetState.rollouts, (row) => row.rolloutId)) {
    const nextWave = rollout.currentWave + 1;
    const moves = isWaveDone(index, rollout);
    if (moves) bumps.push({ rolloutId: rollout.rolloutId, nextWave });
    currentWave.set(rollout.rolloutId, moves ? nextWave : rollout.currentWave);
  }
  return { bumps, currentWave };
}

function isWaveDone(index: PlanIndex, rollout: RolloutRow): boolean {
  if (rollout.terminalAt !== undefined) return false;
  const waves = index.topology.waves(rollout.channel);
  const wave = waves[rollout.currentWave];
  if (wave === undefined || rollout.currentWave + 1 >= waves.length || wave.hosts.length === 0) return false;
  return wave.hosts.every((host) => index.isDone(rollout.rolloutId, host));
}
