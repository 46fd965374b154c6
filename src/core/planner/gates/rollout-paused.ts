import type { PlanRollout } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

/** Holds a rollout that a person paused (D9). */
export function rolloutPaused(rollout: Pick<PlanRollout, 'paused'>): Hold | null {
  if (!rollout.paused) return null;
  return { gate: 'rollout-paused', reason: 'rollout-paused: the Rollout has spec.intent.hold: Pause' };
}
