import type { PlanSettings } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

/** Holds every rollout while the Fleet is on hold (D9). */
export function fleetHold(settings: Pick<PlanSettings, 'fleetHold'>): Hold | null {
  if (!settings.fleetHold) return null;
  return { gate: 'fleet-hold', reason: 'fleet-hold: the Fleet has spec.intent.hold: Hold' };
}
