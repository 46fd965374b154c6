import type { DisruptionBudgetBlock } from './block.ts';
import type { GateView } from './view.ts';

const UINT32_MAX = 2 ** 32 - 1;

/** Holds a host while one of the rollout's budgets that list it has no free slot; the first such one is named (planner.md §9.5). */
export function disruptionBudget(
  view: Pick<GateView, 'budgetsOf' | 'inFlight'>,
  rollout: string,
  host: string,
): DisruptionBudgetBlock | null {
  for (const { key, summary, max } of view.budgetsOf(rollout, host)) {
    if (max === null) continue;
    const inFlight = Math.min(view.inFlight(key, rollout, host), UINT32_MAX);
    if (inFlight < max) continue;
    return {
      kind: 'DisruptionBudget',
      gate: 'disruption-budget',
      inFlight,
      max,
      selectorSummary: summary,
      reason: `disruption-budget: ${inFlight}/${max} in flight (${summary})`,
    };
  }
  return null;
}
