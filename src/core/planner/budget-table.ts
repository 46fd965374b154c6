import type { BudgetView } from './gates/view.ts';
import { selectorKey } from './selector.ts';
import type { PlannerBudget } from './types.ts';

const NONE: readonly BudgetView[] = [];

/** A budget of one rollout with its hosts as a set. */
export interface CompiledBudget extends BudgetView {
  readonly hosts: ReadonlySet<string>;
}

/**
 * The budgets of every rollout. Every manifest of a release carries the fleet's whole budget list, so host lists that
 * say the same are held once.
 */
export class BudgetTable {
  readonly #ofRollout = new Map<string, readonly CompiledBudget[]>();
  readonly #shared = new Map<string, { list: readonly string[]; set: ReadonlySet<string> }[]>();
  readonly #maxOf: (budget: PlannerBudget) => number | null;

  /** `maxOf` says how many hosts of a budget may be in flight; null for any number. */
  constructor(maxOf: (budget: PlannerBudget) => number | null) {
    this.#maxOf = maxOf;
  }

  /** Records the budgets of a rollout, in declared order. */
  add(rollout: string, budgets: readonly PlannerBudget[]): void {
    this.#ofRollout.set(
      rollout,
      budgets.map((budget) => {
        const key = selectorKey(budget.selector);
        return {
          key,
          selector: budget.selector,
          max: this.#maxOf(budget),
          hosts: this.#hostsOf(key, budget.hosts),
        };
      }),
    );
  }

  /** The budgets of a rollout that list the host, in declared order, repeats included. */
  listing(rollout: string, host: string): readonly BudgetView[] {
    const budgets = this.#ofRollout.get(rollout);
    if (budgets === undefined) return NONE;
    let found: BudgetView[] | undefined;
    for (const budget of budgets) {
      if (!budget.hosts.has(host)) continue;
      if (found === undefined) found = [budget];
      else found.push(budget);
    }
    return found ?? NONE;
  }

  /** The budget that counts for a key in a rollout: the first one declared (planner.md §9.5). */
  first(rollout: string, key: string): CompiledBudget | undefined {
    return this.#ofRollout.get(rollout)?.find((budget) => budget.key === key);
  }

  /** The keys under which a host of a rollout holds a slot: those whose first budget lists it. */
  keysHeld(rollout: string, host: string): string[] {
    const keys: string[] = [];
    for (const budget of this.#ofRollout.get(rollout) ?? []) {
      if (budget.hosts.has(host) && this.first(rollout, budget.key) === budget) keys.push(budget.key);
    }
    return keys;
  }

  #hostsOf(key: string, list: readonly string[]): ReadonlySet<string> {
    const known = this.#shared.get(key);
    const same = known?.find((entry) => sameNames(entry.list, list));
    if (same !== undefined) return same.set;
    const entry = { list, set: new Set(list) };
    if (known === undefined) this.#shared.set(key, [entry]);
    else known.push(entry);
    return entry.set;
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
