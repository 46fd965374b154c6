import { BudgetTable } from './budget-table.ts';
import { clipped } from './clip.ts';
import type { FleetPlanInput, PlanHost, PlanRecord } from './fleet-input.ts';
import type { BudgetView, GateView } from './gates/view.ts';
import { HeldSlots, holdsSlot } from './held-slots.ts';
import { isLeftBehind } from './left-behind.ts';
import { OutstandingTotals } from './outstanding.ts';
import { budgetLimit } from './percentage.ts';
import { selectorSummary } from './selector.ts';
import { Standings } from './standings.ts';
import type { WakeTime } from './wake-time.ts';

/** Selectors may name every host; a summary goes into the status of each host that is held. */
const SUMMARY_MAX = 256;

/**
 * The operator's answers to what the gates ask: from records, marks and what is known of the hosts, where v0.2 had its
 * own tables (D4, D6, D7, D16, D17, D20). Rollouts go by object name here.
 */
export class FleetView implements GateView {
  readonly standings: Standings;
  readonly slots: HeldSlots;
  readonly #input: FleetPlanInput;
  readonly #hosts: ReadonlyMap<string, PlanHost>;
  readonly #budgets = new BudgetTable({
    maxOf: budgetLimit,
    summaryOf: (selector) => clipped(selectorSummary(selector), SUMMARY_MAX),
  });
  readonly #outstanding: OutstandingTotals;
  readonly #promoted = new Map<string, number>();

  constructor(input: FleetPlanInput, wake: WakeTime) {
    this.#input = input;
    this.#hosts = new Map(input.hosts.map((host) => [host.hostname, host]));
    this.standings = new Standings(input);
    for (const { rollout } of this.standings.all) this.#budgets.add(rollout.name, rollout.budgets);
    this.slots = new HeldSlots(this.#budgets);
    const context = {
      standings: this.standings,
      channelOf: (host: string) => this.channelOf(host),
      graceMs: input.settings.supersededHoldGraceMs,
      wake,
    };
    for (const standing of this.standings.all) {
      for (const record of [...standing.olderTries, ...standing.records]) {
        if (holdsSlot(record, standing, context)) this.slots.hold(record);
      }
    }
    this.#outstanding = new OutstandingTotals(this.#outstandingFailures(), input.topology);
  }

  /** What is known of a host; undefined where nothing is. */
  host(hostname: string): PlanHost | undefined {
    return this.#hosts.get(hostname);
  }

  /** Whether nobody waits for this record any more (D7). */
  isLeftBehind(record: PlanRecord): boolean {
    const offline = this.host(record.hostname)?.offline ?? false;
    return isLeftBehind(record, offline, this.#input.settings.offlinePolicy);
  }

  /** Lets the rest of the plan see a promotion that it is going to write first. */
  promote(rollout: string, wave: number): void {
    this.#promoted.set(rollout, wave);
  }

  isQuarantined(channel: string, closure: string): boolean {
    return this.#input.quarantines.get(channel)?.has(closure) ?? false;
  }

  predecessorChannels(channel: string): readonly string[] {
    return this.#input.topology.predecessorChannels(channel);
  }

  /**
   * A channel is at work until the newest attempt at what the content in force names is Terminal. One without manifest
   * is idle only if it has nothing to roll out; else the manifest is missing and what is unknown blocks (D5).
   */
  isChannelActive(channel: string): boolean {
    if (!this.#input.manifests.has(channel)) return this.#input.topology.hasBuiltHost(channel);
    const newest = this.standings.newestFor(channel);
    return newest === undefined || newest.outdated === true || newest.state !== 'Terminal';
  }

  channelOf(host: string): string | undefined {
    return this.#input.topology.channelOf(host);
  }

  hasWaves(channel: string): boolean {
    return this.#input.topology.waves(channel).length > 0;
  }

  waveOf(channel: string, host: string): number | undefined {
    return this.#input.topology.waveOf(channel, host);
  }

  /** A rollout that ended has no wave left to wait for: a host that was left behind and returns may go at once. */
  currentWave(rollout: string): number {
    const known = this.standings.get(rollout)?.rollout;
    if (known === undefined) return 0;
    if (known.state === 'Terminal') return Infinity;
    return this.#promoted.get(rollout) ?? known.currentWave;
  }

  gatingHosts(host: string): readonly string[] {
    return this.#input.topology.gatingHosts(host);
  }

  isDone(rollout: string, host: string): boolean {
    const record = this.standings.get(rollout)?.record(host);
    if (record === undefined) return false;
    return record.state === 'Converged' || record.state === 'Deferred' || this.isLeftBehind(record);
  }

  budgetsOf(rollout: string, host: string): readonly BudgetView[] {
    return this.#budgets.listing(rollout, host);
  }

  inFlight(budgetKey: string, rollout: string, host: string): number {
    const taken = this.slots.taken(budgetKey);
    if (taken === 0 || !this.slots.hasHolders) return taken;
    const self = this.standings.get(rollout)?.record(host);
    return self !== undefined && this.slots.isTakenBy(self, budgetKey) ? taken - 1 : taken;
  }

  outstandingBefore(rollout: string, channel: string, wave: number): number {
    return this.#outstanding.before(rollout, channel, wave);
  }

  #outstandingFailures(): Map<string, Map<string, number>> {
    const failures = new Map<string, Map<string, number>>();
    for (const { rollout, isCurrent, records } of this.standings.all) {
      if (!isCurrent) continue;
      const failing = records.filter(
        (record) => record.outstandingFailures > 0 && !this.isLeftBehind(record),
      );
      if (failing.length === 0) continue;
      failures.set(
        rollout.name,
        new Map(failing.map((record) => [record.hostname, record.outstandingFailures])),
      );
    }
    return failures;
  }
}
