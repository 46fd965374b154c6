import type { BudgetView } from './gates/view.ts';
import { type PlannerSelector, selectorKey } from './selector.ts';
import type { PlannerBudget } from './types.ts';

const NO_BUDGETS: readonly CompiledBudget[] = [];
const NO_LISTS: readonly number[] = [];

/** A budget of a rollout as it is held against one host. */
export interface ListedBudget extends BudgetView {
  /** Whether no earlier budget of the rollout has an equal selector: only the first one counts (planner.md §9.5). */
  readonly isFirst: boolean;
}

/** How a budget is read: how many may be in flight (null: any number), and its selector for people. */
export interface BudgetReading {
  maxOf(budget: PlannerBudget): number | null;
  summaryOf(selector: PlannerSelector): string;
}

class CompiledBudget implements ListedBudget {
  readonly key: string;
  readonly max: number | null;
  /** Number of its host list. */
  readonly list: number;
  readonly isFirst: boolean;
  readonly #summarise: () => string;
  #summary: string | undefined;

  constructor(of: Pick<CompiledBudget, 'key' | 'max' | 'list' | 'isFirst'>, summarise: () => string) {
    this.key = of.key;
    this.max = of.max;
    this.list = of.list;
    this.isFirst = of.isFirst;
    this.#summarise = summarise;
  }

  /** Made once, when first asked for: a selector may name ten thousand hosts, and as many may be held by it. */
  get summary(): string {
    return (this.#summary ??= this.#summarise());
  }
}

/**
 * The budgets of every rollout. Every manifest of a release carries the fleet's whole budget list, so host lists that
 * say the same are held once, and a host is looked up once for all budgets.
 */
export class BudgetTable {
  readonly #ofRollout = new Map<string, readonly CompiledBudget[]>();
  readonly #listsOfHost = new Map<string, number[]>();
  readonly #known = new Map<string, { readonly hosts: readonly string[]; readonly list: number }[]>();
  readonly #reading: BudgetReading;
  #lists = 0;

  constructor(reading: BudgetReading) {
    this.#reading = reading;
  }

  /** Records the budgets of a rollout, in declared order. */
  add(rollout: string, budgets: readonly PlannerBudget[]): void {
    const seen = new Set<string>();
    const compiled = budgets.map((budget): CompiledBudget => {
      const { selector, hosts } = budget;
      const key = selectorKey(selector);
      const isFirst = !seen.has(key);
      seen.add(key);
      const max = this.#reading.maxOf(budget);
      const list = this.#listOf(key, hosts);
      return new CompiledBudget({ key, max, list, isFirst }, () => this.#reading.summaryOf(selector));
    });
    this.#ofRollout.set(rollout, compiled);
  }

  /** The budgets of a rollout, in declared order. */
  of(rollout: string): readonly BudgetView[] {
    return this.#ofRollout.get(rollout) ?? NO_BUDGETS;
  }

  /** The budgets of a rollout that list the host, in declared order, repeats included. */
  listing(rollout: string, host: string): readonly ListedBudget[] {
    const budgets = this.#ofRollout.get(rollout) ?? NO_BUDGETS;
    const lists = this.#listsOfHost.get(host) ?? NO_LISTS;
    let found: CompiledBudget[] | undefined;
    for (const budget of budgets) {
      if (!lists.includes(budget.list)) continue;
      if (found === undefined) found = [budget];
      else found.push(budget);
    }
    return found ?? NO_BUDGETS;
  }

  /** The keys under which a host of a rollout holds a slot: those whose first budget lists it. */
  keysHeld(rollout: string, host: string): string[] {
    const keys: string[] = [];
    for (const { key, isFirst } of this.listing(rollout, host)) if (isFirst) keys.push(key);
    return keys;
  }

  #listOf(key: string, hosts: readonly string[]): number {
    const known = this.#known.get(key);
    const same = known?.find((entry) => sameNames(entry.hosts, hosts));
    if (same !== undefined) return same.list;
    const list = this.#lists++;
    for (const host of hosts) this.#note(host, list);
    if (known === undefined) this.#known.set(key, [{ hosts, list }]);
    else known.push({ hosts, list });
    return list;
  }

  #note(host: string, list: number): void {
    const lists = this.#listsOfHost.get(host);
    if (lists === undefined) this.#listsOfHost.set(host, [list]);
    else lists.push(list);
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
