import type { PlanRecord } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

/** Holds the rest of a rollout once a host of it has Failed or Reverted and nobody has cleared that host (D2). */
export function rolloutHalted(unclearedFailures: readonly PlanRecord[]): Hold | null {
  const [first] = unclearedFailures;
  if (first === undefined) return null;
  const others = unclearedFailures.length - 1;
  return {
    gate: 'rollout-halted',
    reason: `rollout-halted: host '${first.hostname}' is ${first.state}${others > 0 ? `, and ${others} more` : ''}; retry or clear it`,
  };
}
