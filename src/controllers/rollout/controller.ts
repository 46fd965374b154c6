import type { Fleet } from '../../api/kinds/fleet.ts';
import { rolloutResource } from '../../api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { clearDue } from '../../core/rollout/clear.ts';
import { deriveStatus, isUrgent } from '../../core/rollout/derive-status.ts';
import { Controller, type ReconcileResult } from '../../kube/controller.ts';
import { keyOf } from '../../kube/resource.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { StoreChange } from '../../kube/store.ts';
import type { WorkQueue } from '../../kube/work-queue.ts';
import { updateStatus } from '../../kube/writes.ts';
import { INDEX_BY_HOST, keyIn, type ControllerContext } from '../context.ts';
import { carryOutClear } from './carry-out-clear.ts';
import { carryOutRetries } from './carry-out-retries.ts';
import { gatherFacts, gatherRecords } from './gather.ts';
import { StatusPace } from './status-pace.ts';
import { tellTransition } from './tell.ts';

const WORKERS = 4;

/** The controller that keeps each Rollout's status equal to what its records say. Keys are Rollouts. */
export function createRolloutController(context: ControllerContext, metrics?: RuntimeMetrics): Controller {
  const pace = new StatusPace(context.settings.statusIntervalMs);
  return new Controller({
    name: 'rollout',
    workers: WORKERS,
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    reconcile: (key) => reconcile(context, pace, key),
  });
}

/** Adds Rollouts whose status may have changed; many changes of records make one visit. Returns the removal. */
export function wireRolloutController(context: ControllerContext, queue: WorkQueue): () => void {
  const { stores, settings } = context;
  const later = (name: string, ms: number): void => queue.addAfter(keyIn(context, name), ms);
  const removals = [
    stores.rollouts.subscribe((change) => {
      queue.add(keyOf(change.type === 'deleted' ? change.old : change.new));
    }),
    stores.records.subscribe((change) => {
      const { rolloutRef } = (change.type === 'deleted' ? change.old : change.new).spec;
      later(rolloutRef, decides(change) ? settings.planDebounceMs : settings.statusIntervalMs);
    }),
    stores.hosts.subscribe((change) => {
      if (change.type !== 'updated' || change.old.status?.offline === change.new.status?.offline) return;
      for (const record of stores.records.byIndex(INDEX_BY_HOST, change.new.metadata.name)) {
        later(record.spec.rolloutRef, settings.statusIntervalMs);
      }
    }),
    stores.fleets.subscribe((change) => {
      if (change.type !== 'updated' || sameRules(change.old, change.new)) return;
      for (const rollout of stores.rollouts.values()) queue.add(keyOf(rollout));
    }),
  ];
  return () => removals.forEach((remove) => remove());
}

/** States of hosts that can move the rollout itself, and not only its counters. */
const DECISIVE: ReadonlySet<string | undefined> = new Set(['Failed', 'Reverted', 'Converged']);

function decides(change: StoreChange<HostRolloutRecord>): boolean {
  if (change.type !== 'updated') return true;
  const { old, new: next } = change;
  const { state } = next.status ?? {};
  return (
    (old.status?.state !== state && DECISIVE.has(state)) || old.status?.clearedAt !== next.status?.clearedAt
  );
}

function sameRules({ spec: old }: Fleet, { spec: next }: Fleet): boolean {
  return old.offline.policy === next.offline.policy && old.intent.hold === next.intent.hold;
}

async function reconcile(
  context: ControllerContext,
  pace: StatusPace,
  key: string,
): Promise<ReconcileResult> {
  const rollout = context.stores.rollouts.get(key);
  if (rollout === undefined || rollout.metadata.deletionTimestamp !== undefined) {
    pace.forget(key);
    return {};
  }
  let records = await carryOutRetries(context, rollout, gatherRecords(context, rollout));
  const request = clearDue(rollout);
  if (request !== undefined) {
    await carryOutClear(context, rollout, records.newest, request);
    records = gatherRecords(context, rollout);
  }
  const facts = gatherFacts(context, rollout, records);
  const { status, transitions } = deriveStatus(facts, request?.at ?? rollout.status?.clearedAt);
  const wait = isUrgent(rollout.status, status) ? 0 : pace.waitMs(key, context.clock.monotonicMillis());
  if (wait > 0) return { requeueAfterMs: wait };
  const { client, stores, clock } = context;
  const next = { ...rollout, status };
  const written = await updateStatus(client, rolloutResource, stores.rollouts, { base: rollout, next });
  if (written !== rollout) pace.wrote(key, clock.monotonicMillis());
  for (const transition of transitions) tellTransition(context, written, transition);
  return {};
}
