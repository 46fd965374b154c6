import { deadlocksOf } from './deadlocks.ts';
import type { FleetPlanChanges, FleetPlanInput } from './fleet-input.ts';
import type { FleetPlan, Hold, RolloutBlock } from './fleet-plan-result.ts';
import { FleetView } from './fleet-view.ts';
import { Holds, sameRolloutHolds } from './holds.ts';
import { movedRollouts } from './plan-changes.ts';
import { planLists } from './plan-result.ts';
import { factsOf } from './record-facts.ts';
import { RecordIndex } from './record-index.ts';
import { RecordOutcomes } from './record-outcomes.ts';
import { RolloutPlan } from './rollout-plan.ts';
import type { RecordOutcome, TrackedRecord } from './tracked-record.ts';
import { WakeQueue } from './wake-queue.ts';
import { WakeTime } from './wake-time.ts';
import { waveOutlook } from './wave-advance.ts';

/**
 * Plans a fleet, and remembers what it takes to plan it again at the cost of what has changed (docs/adr/0026). All
 * plans go the same way, the first one with everything touched: the facts of the touched records first, then, rollout
 * by rollout in the order of the plan, the gates of the touched records and of those that these have moved.
 */
export class FleetPlanner {
  readonly #input: FleetPlanInput;
  readonly #wake: WakeTime;
  readonly #sleepers = new WakeQueue<TrackedRecord | RolloutPlan>();
  readonly #view: FleetView;
  readonly #holds: Holds;
  readonly #outcomes: RecordOutcomes;
  readonly #plans: ReadonlyMap<string, RolloutPlan>;
  readonly #blockedBy = new Map<string, readonly Hold[]>();
  readonly #blocked = new Map<string, readonly RolloutBlock[]>();
  readonly #leftBehind = new Map<string, readonly string[]>();
  /** Built when the first change comes: a plan that is made once needs none. */
  #records: RecordIndex | undefined;
  #visited: Set<string> | undefined;

  constructor(input: FleetPlanInput) {
    this.#input = input;
    this.#wake = new WakeTime(input.now);
    this.#view = new FleetView(input, this.#wake);
    this.#holds = new Holds(this.#view, input, this.#wake);
    this.#outcomes = new RecordOutcomes(this.#view, this.#holds, input.term);
    const { all, strays } = this.#view.standings;
    this.#plans = new Map(all.map((standing) => [standing.rollout.name, new RolloutPlan(standing)]));
    for (const plan of this.#plans.values()) {
      for (const tracked of plan.standing.tries) this.#learn(tracked, plan);
    }
    for (const tracked of strays) this.#learn(tracked, undefined);
  }

  /** Takes changes over and touches what they may concern; false, and nothing done, where that is the whole fleet. */
  apply(changes: FleetPlanChanges): boolean {
    const frame = { ...this.#input, now: this.#wake.now };
    const moved = movedRollouts({ frame, standings: this.#view.standings, index: this.#index }, changes);
    if (moved === undefined) return false;
    this.#wake.advance(changes.now);
    this.#visited = new Set(changes.records.keys());
    for (const rollout of moved) this.#plans.get(rollout.name)?.moveOn(rollout);
    this.#touchMarks();
    for (const hostname of this.#movedHosts(changes)) {
      for (const tracked of this.#index.ofHost(hostname)) {
        const plan = this.#plans.get(tracked.record.rollout);
        this.#learn(tracked, plan);
        plan?.touch(tracked);
      }
    }
    return true;
  }

  /** What the next planner has to begin with where this one cannot go on. */
  inputAfter({ records, hosts, ...frame }: FleetPlanChanges): FleetPlanInput {
    for (const [hostname, host] of hosts) this.#view.setHost(hostname, host);
    return { ...frame, records: this.#index.recordsAfter(records), hosts: this.#view.hosts() };
  }

  /** The plan, after looking at everything that is touched. */
  plan(): FleetPlan {
    this.#view.slots.begin();
    for (const plan of this.#plans.values()) this.#planRollout(plan);
    const wakeAt = this.#sleepers.earliest();
    return {
      ...planLists(this.#plans.values(), { now: this.#wake.now, term: this.#input.term }),
      blockedBy: this.#blockedBy,
      blocked: this.#blocked,
      leftBehind: this.#leftBehind,
      isRecoverable: (recordName) => this.#index.get(recordName)?.outcome.isRecoverable === true,
      ...(wakeAt === undefined ? {} : { wakeAt }),
      ...(this.#visited === undefined ? {} : { visited: this.#visited }),
    };
  }

  get #index(): RecordIndex {
    return (this.#records ??= new RecordIndex(this.#view.standings));
  }

  /** Marks carry the time of their plan, and take slots in its order. */
  #touchMarks(): void {
    for (const plan of this.#plans.values()) {
      for (const tracked of plan.actions.list()) if (tracked.outcome.decision === 'mark') plan.touch(tracked);
    }
  }

  /** Takes over what is known now, and names the hosts whose records have to be looked at for it, or because of the time. */
  #movedHosts({ now, records, hosts }: FleetPlanChanges): Set<string> {
    const moved = new Set(hosts.keys());
    for (const [hostname, host] of hosts) this.#view.setHost(hostname, host);
    for (const [name, record] of records) {
      const tracked = this.#index.get(name);
      if (tracked === undefined || record === undefined) continue;
      tracked.record = record;
      moved.add(record.hostname);
    }
    for (const due of this.#sleepers.takeDue(now)) {
      if (!(due instanceof RolloutPlan)) moved.add(due.record.hostname);
    }
    return moved;
  }

  /** Finds out what others read of a record, and touches those who do. */
  #learn(tracked: TrackedRecord, plan: RolloutPlan | undefined): void {
    tracked.host = this.#view.host(tracked.record.hostname);
    const { facts: before } = tracked;
    const facts = factsOf(tracked, plan?.standing, this.#view);
    this.#sleepers.set(tracked, this.#wake.take());
    this.#view.note(tracked, plan?.standing, facts);
    if (plan === undefined) return;
    if (facts.outstanding !== before.outstanding) plan.isStale = true;
    if (facts.isDone === before.isDone) return;
    for (const gated of this.#input.topology.gatedHosts(tracked.record.hostname)) {
      const waiting = plan.standing.record(gated);
      if (waiting !== undefined) plan.touch(waiting);
      plan.edgesMoved = true;
    }
  }

  #planRollout(plan: RolloutPlan): void {
    if (plan.standing.isCurrent) {
      this.#holdRollout(plan);
      this.#advance(plan);
      this.#lookAtRecords(plan);
      this.#sumUp(plan);
    } else {
      for (const tracked of plan.takeTouched()) this.#lookAt(tracked, plan);
    }
    plan.settle();
  }

  #holdRollout(plan: RolloutPlan): void {
    const holds = this.#holds.ofRollout(plan.standing);
    this.#sleepers.set(plan, this.#wake.take());
    if (sameRolloutHolds(holds, plan.holds)) return;
    plan.holds = holds;
    plan.isStale = true;
  }

  /** A rollout that is held as a whole stays in its wave. */
  #advance(plan: RolloutPlan): void {
    const { standing, step: before } = plan;
    const { name, channel, state } = standing.rollout;
    if (plan.holds.first.length > 0 || state === 'Terminal') plan.step = undefined;
    else if (plan.isStale || (plan.hasMoved && plan.waitsFor?.facts.isDone !== false)) {
      const { step, waitsFor } = waveOutlook(standing, this.#input.topology.waves(channel));
      plan.step = step;
      plan.waitsFor = waitsFor;
    }
    if (plan.step?.to === before?.to) return;
    this.#view.promote(name, plan.step?.to);
    plan.isStale = true;
  }

  #lookAtRecords(plan: RolloutPlan): void {
    let place = 0;
    for (const tracked of plan.takeTouched()) {
      this.#followBudgets(plan, place, tracked.position);
      this.#lookAt(tracked, plan);
      place = tracked.position + 1;
    }
    this.#followBudgets(plan, place, plan.standing.records.length);
  }

  /** Looks at the records in between whose budgets say something else than at this place of the plan before. */
  #followBudgets(plan: RolloutPlan, from: number, to: number): void {
    const { slots } = this.#view;
    const { rollout, records } = plan.standing;
    for (let place = from; place < to && slots.differFor(rollout.name);) {
      const differing = findFrom(records, place, to, (tracked) => slots.differForRecord(tracked));
      if (differing === undefined) return;
      this.#lookAt(differing, plan);
      place = differing.position + 1;
    }
  }

  #lookAt(tracked: TrackedRecord, plan: RolloutPlan): void {
    const outcome = this.#outcomeOf(tracked, plan);
    const { record } = tracked;
    this.#view.slots.take(tracked, outcome.decision === 'mark');
    plan.note(tracked, outcome);
    if (outcome.holds.length > 0) this.#blockedBy.set(record.name, outcome.holds);
    else this.#blockedBy.delete(record.name);
    this.#visited?.add(record.name);
  }

  #outcomeOf(tracked: TrackedRecord, { standing, holds }: RolloutPlan): RecordOutcome {
    if (!standing.isCurrent || tracked.position < 0) return this.#outcomes.ofSuperseded(tracked);
    const outcome = this.#outcomes.ofCurrent(tracked, standing, holds);
    this.#sleepers.set(tracked, this.#wake.take());
    return outcome;
  }

  #sumUp(plan: RolloutPlan): void {
    const { standing, suspects } = plan;
    const { name } = standing.rollout;
    const blocks = plan.summary.takeBlocks(standing.records);
    if (blocks !== undefined) putOrDelete(this.#blocked, name, blocks);
    if (standing.leftBehind.takeChanged()) {
      const behind = standing.leftBehind.list().map(({ record }) => record.hostname);
      putOrDelete(this.#leftBehind, name, behind);
    }
    if (suspects.takeChanged() || plan.edgesMoved || plan.isStale) {
      plan.deadlocks = deadlocksOf(this.#view, standing, suspects.list(), this.#outcomes.loopOf(standing));
    }
  }
}

function findFrom(
  records: readonly TrackedRecord[],
  from: number,
  to: number,
  wanted: (tracked: TrackedRecord) => boolean,
): TrackedRecord | undefined {
  for (let place = from; place < to; place++) {
    const tracked = records[place];
    if (tracked?.isWaiting === true && wanted(tracked)) return tracked;
  }
  return undefined;
}

function putOrDelete<T>(table: Map<string, readonly T[]>, name: string, list: readonly T[]): void {
  if (list.length > 0) table.set(name, list);
  else table.delete(name);
}
