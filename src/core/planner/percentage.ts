import type { PlannerBudget } from './types.ts';

/**
 * How many hosts of a budget may be in flight; null for any number. A percentage is taken of the budget's own hosts,
 * rounded down, but never below one host; where both limits are given the smaller holds (D17).
 */
export function budgetLimit(budget: PlannerBudget): number | null {
  const { maxInFlight = null, maxInFlightPct = null, hosts } = budget;
  if (maxInFlightPct === null) return maxInFlight;
  const share = Math.max(1, Math.floor((maxInFlightPct * hosts.length) / 100));
  return maxInFlight === null ? share : Math.min(share, maxInFlight);
}
