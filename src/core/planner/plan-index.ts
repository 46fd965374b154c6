import { BudgetTable } from './budget-table.ts';
import type { BudgetView, GateView } from './gates/view.ts';
import { OutstandingTotals } from './outstanding.ts';
import { selectorSummary } from './selector.ts';
import { FleetTopology } from './topology.ts';
import type { FleetState, HostRow, PlannerManifests, Quarantines, RolloutRow } from './types.ts';

const NO_ROWS: readonly HostRow[] = [];

/**
 * The v0.2 planner's answers to what the gates ask (planner.md §9), indexed once per plan, most tables on first use.
 *
 * It also carries the plan's own dispatches, which later candidates of the same plan have to count.
 */
export class PlanIndex implements GateView {
  readonly #manifests: PlannerManifests;
  readonly #quarantines: Quarantines;
  readonly #topology: FleetTopology;
  readonly #rollouts = new Map<string, RolloutRow>();
  readonly #rowsOf = new Map<string, HostRow[]>();
  readonly #rowByHost = new Map<string, ReadonlyMap<string, HostRow>>();
  readonly #activeRows: HostRow[] = [];
  readonly #budgets = new BudgetTable({
    maxOf: (budget) => budget.maxInFlight ?? null,
    summaryOf: selectorSummary,
  });
  #inFlight: ReadonlyMap<string, number> | undefined;
  readonly #dispatched: Map<string, number>;
  readonly #outstanding: OutstandingTotals;

  /** `dispatched` counts, by selector key, dispatches made earlier in the same tick. */
  constructor(
    manifests: PlannerManifests,
    fleetState: FleetState,
    quarantines: Quarantines,
    dispatched: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#manifests = manifests;
    this.#quarantines = quarantines;
    this.#topology = new FleetTopology(manifests.fleet);
    this.#outstanding = new OutstandingTotals(fleetState.outstandingFailures ?? new Map(), this.#topology);
    this.#dispatched = new Map(dispatched);
    for (const rollout of fleetState.rollouts) {
      this.#rollouts.set(rollout.rolloutId, rollout);
      this.#budgets.add(rollout.rolloutId, rollout.budgets ?? []);
    }
    for (const row of fleetState.hostStates) this.#addRow(row);
  }

  /** The order that the fleet declares. */
  get topology(): FleetTopology {
    return this.#topology;
  }

  /** The row of a rollout. */
  rollout(rolloutId: string): RolloutRow | undefined {
    return this.#rollouts.get(rolloutId);
  }

  /** The host rows of a rollout, in the order of the input. */
  rowsOf(rolloutId: string): readonly HostRow[] {
    return this.#rowsOf.get(rolloutId) ?? NO_ROWS;
  }

  /** Counts a dispatch of this plan against every budget entry that lists the host (planner.md §10). */
  take(rollout: string, host: string): void {
    for (const { key } of this.budgetsOf(rollout, host)) {
      this.#dispatched.set(key, (this.#dispatched.get(key) ?? 0) + 1);
    }
  }

  isQuarantined(channel: string, closure: string): boolean {
    return this.#quarantines.get(channel)?.has(closure) ?? false;
  }

  predecessorChannels(channel: string): readonly string[] {
    return this.#topology.predecessorChannels(channel);
  }

  /** A channel without manifest is idle; one whose rollout is not open yet is about to be active. */
  isChannelActive(channel: string): boolean {
    const manifest = this.#manifests.rollouts.get(channel);
    if (manifest === undefined) return false;
    return this.#rollouts.get(`${channel}@${manifest.channelRef}`)?.terminalAt === undefined;
  }

  channelOf(host: string): string | undefined {
    return this.#topology.channelOf(host);
  }

  hasWaves(channel: string): boolean {
    return this.#topology.waves(channel).length > 0;
  }

  waveOf(channel: string, host: string): number | undefined {
    return this.#topology.waveOf(channel, host);
  }

  currentWave(rollout: string): number {
    return this.#rollouts.get(rollout)?.currentWave ?? 0;
  }

  gatingHosts(host: string): readonly string[] {
    return this.#topology.gatingHosts(host);
  }

  isDone(rollout: string, host: string): boolean {
    let rows = this.#rowByHost.get(rollout);
    if (rows === undefined) {
      rows = new Map(this.rowsOf(rollout).map((row) => [row.host, row]));
      this.#rowByHost.set(rollout, rows);
    }
    const state = rows.get(host)?.state;
    return state === 'Converged' || state === 'Deferred';
  }

  budgetsOf(rollout: string, host: string): readonly BudgetView[] {
    return this.#budgets.listing(rollout, host);
  }

  inFlight(budgetKey: string): number {
    this.#inFlight ??= this.#countInFlight();
    return (this.#inFlight.get(budgetKey) ?? 0) + (this.#dispatched.get(budgetKey) ?? 0);
  }

  outstandingBefore(rollout: string, channel: string, wave: number): number {
    return this.#outstanding.before(rollout, channel, wave);
  }

  #addRow(row: HostRow): void {
    const rows = this.#rowsOf.get(row.rolloutId);
    if (rows === undefined) this.#rowsOf.set(row.rolloutId, [row]);
    else rows.push(row);
    if (row.state === 'Activating' || row.state === 'Soaking') this.#activeRows.push(row);
  }

  #countInFlight(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { rolloutId, host } of this.#activeRows) {
      for (const key of this.#budgets.keysHeld(rolloutId, host)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }
}
