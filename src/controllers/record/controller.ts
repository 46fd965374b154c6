import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import { Controller, type ReconcileResult } from '../../kube/controller.ts';
import { isNotFound } from '../../kube/errors.ts';
import { keyOf, refOfKey } from '../../kube/resource.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { WorkQueue } from '../../kube/work-queue.ts';
import { casLoop } from '../../kube/writes.ts';
import { INDEX_BY_HOST, type ControllerContext } from '../context.ts';
import { foldRecord, type Folded } from './fold-record.ts';
import { runPendingEffects } from './pending-effects.ts';
import type { RecoveryGates } from './recovery-gates.ts';
import { tellFold } from './tell.ts';

/** Records are independent of each other; more workers than connections to the API server would only wait. */
const WORKERS = 16;
const CAS_ATTEMPTS = 5;

/**
 * The controller that turns what hosts said into state. Keys are records. The planner adds a record's key when its
 * recovery gates open.
 */
export function createRecordController(
  context: ControllerContext,
  gates: RecoveryGates,
  metrics?: RuntimeMetrics,
): Controller {
  return new Controller({
    name: 'record',
    workers: WORKERS,
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    reconcile: (key) => reconcile(context, gates, key),
  });
}

/** Adds records that have something to decide or to do. Returns the removal. */
export function wireRecordController({ stores, settings }: ControllerContext, queue: WorkQueue): () => void {
  const removals = [
    stores.records.subscribe((change) => {
      if (change.type !== 'deleted' && hasWork(change.new)) {
        queue.addAfter(keyOf(change.new), settings.foldDelayMs);
      }
    }),
    // A host that is back on its target recovers from its last report, which is not stored twice.
    stores.hosts.subscribe((change) => {
      if (change.type !== 'updated' || change.old.status?.closure === change.new.status?.closure) return;
      for (const record of stores.records.byIndex(INDEX_BY_HOST, change.new.metadata.name)) {
        if (record.status?.lastReport !== undefined) queue.add(keyOf(record));
      }
    }),
  ];
  return () => removals.forEach((remove) => remove());
}

function hasWork({ status }: HostRolloutRecord): boolean {
  return (status?.inbox?.length ?? 0) > 0 || (status?.pendingEffects?.length ?? 0) > 0;
}

async function reconcile(
  context: ControllerContext,
  gates: RecoveryGates,
  key: string,
): Promise<ReconcileResult> {
  const folded = await casLoop(CAS_ATTEMPTS, (attempt) => foldNewest(context, gates, key, attempt > 0));
  if (folded === undefined) return {};
  const { record, outcome, dueInMs } = folded;
  if (outcome !== undefined) tellFold(context, record, outcome);
  await runPendingEffects(context, record);
  return { requeueAfterMs: dueInMs };
}

async function foldNewest(
  context: ControllerContext,
  gates: RecoveryGates,
  key: string,
  live: boolean,
): Promise<Folded | undefined> {
  const record = live ? await readLive(context, key) : context.stores.records.get(key);
  if (record === undefined || record.metadata.deletionTimestamp !== undefined) return undefined;
  return foldRecord(context, gates, record);
}

async function readLive(context: ControllerContext, key: string): Promise<HostRolloutRecord | undefined> {
  try {
    return await context.client.get(hostRolloutRecordResource, refOfKey(key));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
