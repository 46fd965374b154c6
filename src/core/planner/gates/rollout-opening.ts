import type { Hold } from '../fleet-plan-result.ts';
import type { PlanRollout } from '../fleet-input.ts';

/** Holds a whole rollout until every record that its manifest names exists (D21). */
export function rolloutOpening(rollout: Pick<PlanRollout, 'opened' | 'state'>): Hold | null {
  if (rollout.opened && rollout.state !== 'Opening') return null;
  return { gate: 'rollout-opening', reason: 'rollout-opening: not all records of this rollout exist yet' };
}
