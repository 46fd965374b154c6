import type { Fleet } from '../../api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { millisBetween } from '../../api/time.ts';
import type { Release } from '../../core/artifacts/release.ts';
import type { FleetPlanFrame } from '../../core/planner/fleet-input.ts';
import type { FleetPlan } from '../../core/planner/fleet-plan-result.ts';
import { Controller, type ReconcileResult } from '../../kube/controller.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { StoreChange } from '../../kube/store.ts';
import type { KubeObject } from '../../kube/resource.ts';
import { noTracer } from '../../kube/tracer.ts';
import type { UnansweredWrites } from '../../kube/unanswered-writes.ts';
import { ContentFault, type ReleaseCache } from '../content/release-cache.ts';
import { servedFleet, type ControllerContext } from '../context.ts';
import { FollowedPlan } from './followed-plan.ts';
import { gatherPlanFrame, type PlanSources } from './gather.ts';
import type { LeaderTerm } from './leader-term.ts';
import type { PlanBoard } from './plan-board.ts';
import { changesPlan, changesPlanOfFleet, changesPlanOfHost, changesPlanOfRollout } from './plan-objects.ts';
import { RolloutCensus } from './rollout-census.ts';
import { writePlan } from './write-plan.ts';

/** What the planner needs beside the context. */
export interface PlannerOptions {
  readonly releases: ReleaseCache;
  readonly term: LeaderTerm;
  readonly board: PlanBoard;
  /** Writes of records of which nobody knows whether they were carried out. */
  readonly unanswered: Pick<UnansweredWrites<HostRolloutRecord>, 'settle'>;
  /** Called with the key of each record that may now be recovered. */
  readonly recover: (recordKey: string) => void;
}

/** There is one plan for the whole fleet. */
const PLAN_KEY = 'plan';

/** Plans on every change that can matter, coalesced, and every `planIntervalMs` anyway (D10). */
export function createPlannerController(
  context: ControllerContext,
  options: PlannerOptions,
  metrics?: RuntimeMetrics,
): Controller {
  const followed = new FollowedPlan(context);
  const census = new RolloutCensus(context);
  const controller = new Controller({
    name: 'planner',
    reconcile: () => plan({ ...options, context, census }, followed),
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    timeoutMs: 600_000,
  });
  watchPlanInputs(context, controller);
  return controller;
}

function watchPlanInputs({ stores, settings }: ControllerContext, { queue }: Controller): void {
  const soon = (): void => queue.addAfter(PLAN_KEY, settings.planDebounceMs);
  stores.fleets.subscribe((change) => {
    if (matters(change, changesPlanOfFleet)) soon();
  });
  stores.rollouts.subscribe((change) => {
    if (matters(change, changesPlanOfRollout)) soon();
  });
  stores.quarantines.subscribe(soon);
  stores.records.subscribe((change) => {
    if (matters(change, changesPlan)) soon();
  });
  stores.hosts.subscribe((change) => {
    if (matters(change, changesPlanOfHost)) soon();
  });
  queue.add(PLAN_KEY);
}

function matters<T extends KubeObject>(
  change: StoreChange<T>,
  differs: (old: T, next: T) => boolean,
): boolean {
  return change.type !== 'updated' || differs(change.old, change.new);
}

async function plan(planner: PlannerOptions & PlanSources, followed: FollowedPlan): Promise<ReconcileResult> {
  const { context, releases, board, recover } = planner;
  const fleet = servedFleet(context);
  if (fleet === undefined) return {};
  const term = await planner.term.ensure(fleet);
  const release = await readableRelease(releases, fleet);
  if (release === undefined) return { requeueAfterMs: context.settings.planIntervalMs };

  // A mark that was set without an answer holds a slot all the same.
  await planner.unanswered.settle(context.client);
  const frame = await gatherPlanFrame(planner, { fleet, release, term });
  const planned = observedPlan(context, followed, frame);

  board.post(planned);
  const { lost, passing } = await writePlan(context, planned, term, frame.now);
  followed.written([...lost, ...passing]);
  for (const key of board.recoverable()) recover(key);
  context.metrics.blocked(heldPerGate(planned));
  return {
    requeueAfterMs: lost.length === 0 ? untilNextPlan(context, planned) : context.settings.planDebounceMs,
  };
}

/** The plan; how long it took and what came out is told. */
function observedPlan(context: ControllerContext, followed: FollowedPlan, frame: FleetPlanFrame): FleetPlan {
  const { clock, metrics, stores, tracer = noTracer } = context;
  return tracer.span({ name: 'plan' }, (span) => {
    const started = clock.monotonicMillis();
    const planned = followed.next(frame);
    metrics.planned((clock.monotonicMillis() - started) / 1000);
    span.add({
      'plan.rollouts': frame.rollouts.length,
      'plan.records': stores.records.size,
      'plan.visited': planned.visited?.size ?? stores.records.size,
      'plan.hosts': stores.hosts.size,
      'plan.waves': planned.waves.length,
      'plan.marks': planned.marks.length,
      'plan.withdrawals': planned.withdrawals.length,
      'plan.suspensions': planned.suspensions.length,
      'plan.resumptions': planned.resumptions.length,
      'plan.restamps': planned.restamps.length,
      'plan.held': planned.blockedBy.size,
      'plan.deadlocks': planned.deadlocks.length,
    });
    return planned;
  });
}

/** The content in force; undefined where there is none, or none that can be read, which the Fleet's conditions say. */
async function readableRelease(releases: ReleaseCache, fleet: Fleet): Promise<Release | undefined> {
  try {
    return await releases.inForce(fleet);
  } catch (error) {
    if (error instanceof ContentFault) return undefined;
    throw error;
  }
}

function heldPerGate({ blocked }: FleetPlan): Map<string, number> {
  const held = new Map<string, number>();
  for (const blocks of blocked.values()) {
    for (const { gate, count } of blocks) held.set(gate, (held.get(gate) ?? 0) + count);
  }
  return held;
}

function untilNextPlan({ settings, clock }: ControllerContext, { wakeAt }: FleetPlan): number {
  if (wakeAt === undefined) return settings.planIntervalMs;
  return Math.min(
    settings.planIntervalMs,
    Math.max(settings.planDebounceMs, millisBetween(clock.now(), wakeAt)),
  );
}
