import { BudgetTable } from './budget-table.ts';
import { clipped } from './clip.ts';
import type { FleetPlanInput, PlanHost, PlanRecord } from './fleet-input.ts';
import type { BudgetView, GateView } from './gates/view.ts';
import { HeldSlots, type HoldContext } from './held-slots.ts';
import { isLeftBehind } from './left-behind.ts';
import { compareCodePoints } from './order.ts';
import { OutstandingTotals } from './outstanding.ts';
import { budgetLimit } from './percentage.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import { selectorSummary } from './selector.ts';
import { Standings } from './standings.ts';
import type { RecordFacts, TrackedRecord } from './tracked-record.ts';
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
  readonly holdContext: HoldContext;
  readonly #input: FleetPlanInput;
  readonly #hosts: Map<string, PlanHost>;
  readonly #budgets = new BudgetTable({
    maxOf: budgetLimit,
    summaryOf: (selector) => clipped(selectorSummary(selector), SUMMARY_MAX),
  });
  /** By hostname: the records that may keep it busy. */
  readonly #busy = new Map<string, Set<TrackedRecord>>();
  /** By rollout and host. */
  readonly #failures = new Map<string, Map<string, number>>();
  readonly #outstanding: OutstandingTotals;
  readonly #promoted = new Map<string, number | undefined>();

  constructor(input: FleetPlanInput, wake: WakeTime) {
    this.#input = input;
    this.#hosts = new Map(input.hosts.map((host) => [host.hostname, host]));
    this.standings = new Standings(input);
    for (const { rollout } of this.standings.all) this.#budgets.add(rollout.name, rollout.budgets);
    this.slots = new HeldSlots(this.#budgets);
    this.holdContext = {
      standings: this.standings,
      channelOf: (host: string) => this.channelOf(host),
      graceMs: input.settings.supersededHoldGraceMs,
      wake,
    };
    this.#outstanding = new OutstandingTotals(this.#failures, input.topology);
  }

  /** Takes over what others read of a record. */
  note(tracked: TrackedRecord, standing: RolloutStanding | undefined, facts: RecordFacts): void {
    const { facts: before, record } = tracked;
    tracked.facts = facts;
    if (facts.holdsSlot !== before.holdsSlot) this.slots.hold(tracked, facts.holdsSlot);
    if (facts.isBusy !== before.isBusy) this.#noteBusy(tracked, facts.isBusy);
    if (facts.outstanding !== before.outstanding) this.#noteFailures(record, facts.outstanding);
    if (facts.isFailing !== before.isFailing) standing?.failing.set(tracked, facts.isFailing);
    if (facts.isLeftBehind !== before.isLeftBehind) standing?.leftBehind.set(tracked, facts.isLeftBehind);
  }

  /** What is known of a host; undefined where nothing is. */
  host(hostname: string): PlanHost | undefined {
    return this.#hosts.get(hostname);
  }

  /** Takes over what is known of a host now. */
  setHost(hostname: string, host: PlanHost | undefined): void {
    if (host === undefined) this.#hosts.delete(hostname);
    else this.#hosts.set(hostname, host);
  }

  /** All hosts of which something is known. */
  hosts(): PlanHost[] {
    return [...this.#hosts.values()];
  }

  /** The records that may keep a host busy, by name. */
  busyRecords(hostname: string): readonly PlanRecord[] | undefined {
    const busy = this.#busy.get(hostname);
    if (busy === undefined) return undefined;
    return [...busy].map(({ record }) => record).toSorted((a, b) => compareCodePoints(a.name, b.name));
  }

  /** Whether nobody waits for this record any more (D7). */
  isLeftBehind(record: PlanRecord, host: PlanHost | undefined): boolean {
    return isLeftBehind(record, host?.offline === true, this.#input.settings.offlinePolicy);
  }

  /** Lets the rest of the plan see a promotion that it is going to write first; undefined where there is none. */
  promote(rollout: string, wave: number | undefined): void {
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
    return this.standings.get(rollout)?.record(host)?.facts.isDone ?? false;
  }

  budgetsOf(rollout: string, host: string): readonly BudgetView[] {
    return this.#budgets.listing(rollout, host);
  }

  inFlight(budgetKey: string, rollout: string, host: string): number {
    return this.slots.takenFor(this.standings.get(rollout)?.record(host), budgetKey);
  }

  outstandingBefore(rollout: string, channel: string, wave: number): number {
    return this.#outstanding.before(rollout, channel, wave);
  }

  #noteBusy(tracked: TrackedRecord, isBusy: boolean): void {
    const { hostname } = tracked.record;
    const busy = this.#busy.get(hostname) ?? new Set();
    if (isBusy) busy.add(tracked);
    else busy.delete(tracked);
    if (busy.size === 0) this.#busy.delete(hostname);
    else this.#busy.set(hostname, busy);
  }

  #noteFailures({ rollout, hostname }: PlanRecord, count: number): void {
    const failures = this.#failures.get(rollout) ?? new Map<string, number>();
    failures.set(hostname, count);
    this.#failures.set(rollout, failures);
    this.#outstanding.forget(rollout);
  }
}
