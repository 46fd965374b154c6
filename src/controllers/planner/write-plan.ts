import { hostRolloutRecordResource, rolloutResource } from '../../api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import type { FleetPlan, WaveStep } from '../../core/planner/fleet-plan-result.ts';
import { plannedChanges, statusAfterPlan, type PlannedChange } from '../../core/planner/planned-status.ts';
import { millisBetween, type Timestamp } from '../../api/time.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { updateStatus } from '../../kube/writes.ts';
import { keyIn, type ControllerContext } from '../context.ts';

const PARALLEL_WRITES = 16;
const FRESH_STATUS = { state: 'Pending', lastEventSeq: 0 } as const;

/**
 * Writes a plan: waves first, and only when all of them are written the marks (architecture.md §1). Resolves when the
 * caches hold every answer. Whether every write went through; a lost race is left to the next plan.
 */
export async function writePlan(
  context: ControllerContext,
  plan: FleetPlan,
  term: number,
  now: Timestamp,
): Promise<boolean> {
  for (const wave of plan.waves) await writeWave(context, wave);
  const changes = plannedChanges(plan);
  let complete = true;
  await forEachParallel(recordsToVisit(context, changes, now), PARALLEL_WRITES, async (record) => {
    complete = (await writeRecord(context, record, changes.get(record.metadata.name), term, now)) && complete;
  });
  countMarks(context, plan);
  return complete;
}

async function writeWave(context: ControllerContext, { rollout, from, to, reason }: WaveStep): Promise<void> {
  const base = context.stores.rollouts.get(keyIn(context, rollout.name));
  if (base === undefined) throw new Error(`Rollout ${rollout.name} went away while its wave was to advance`);
  const status = { ...base.status, state: base.status?.state ?? 'Opening', currentWave: to };
  const written = await updateStatus(context.client, rolloutResource, context.stores.rollouts, {
    base,
    next: { ...base, status },
  });
  context.audit.info({ rollout: rollout.name, from, to, cause: reason }, 'a wave advanced');
  context.events.record({
    about: written,
    type: 'Normal',
    reason: 'WaveAdvanced' satisfies EventReason,
    message: `wave ${from + 1} → ${to + 1}: ${reason}`,
  });
}

/**
 * Records that the plan touches, and those that still show gates which no longer hold them. That a rollout is being
 * opened is over in a moment and shows in its state: it is written into records only where it takes longer.
 */
function* recordsToVisit(
  context: ControllerContext,
  changes: ReadonlyMap<string, PlannedChange>,
  now: Timestamp,
): Iterable<HostRolloutRecord> {
  for (const record of context.stores.records.list()) {
    const change = changes.get(record.metadata.name);
    if (
      change === undefined ? record.status?.blockedBy === undefined : isPassing(context, record, change, now)
    ) {
      continue;
    }
    yield record;
  }
}

function isPassing(
  context: ControllerContext,
  { spec }: HostRolloutRecord,
  { mark, action, holds }: PlannedChange,
  now: Timestamp,
): boolean {
  if (mark !== undefined || action !== undefined || holds[0]?.gate !== 'rollout-opening') return false;
  const openedAt = context.stores.rollouts.get(keyIn(context, spec.rolloutRef))?.status?.openedAt;
  return openedAt === undefined || millisBetween(openedAt, now) < context.settings.planIntervalMs;
}

async function writeRecord(
  context: ControllerContext,
  base: HostRolloutRecord,
  change: PlannedChange | undefined,
  term: number,
  now: Timestamp,
): Promise<boolean> {
  // A record that left Pending since the plan was made is no business of this plan any more.
  const status = base.status ?? FRESH_STATUS;
  const applicable = status.state === 'Pending' ? change : undefined;
  const next = statusAfterPlan(status, applicable, term, now);
  if (next === base.status) return true;
  try {
    await updateStatus(context.client, hostRolloutRecordResource, context.stores.records, {
      base,
      next: { ...base, status: next },
    });
    audit(context, base, change);
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}

function audit(
  context: ControllerContext,
  record: HostRolloutRecord,
  change: PlannedChange | undefined,
): void {
  const action = change?.mark === undefined ? change?.action : 'mark';
  if (action === undefined) return;
  const { hostname, rolloutId } = record.spec;
  context.audit.info(
    { record: record.metadata.name, host: hostname, rolloutId, action },
    'a dispatch was decided',
  );
}

function countMarks({ metrics }: ControllerContext, plan: FleetPlan): void {
  metrics.marks('marked', plan.marks.length);
  metrics.marks('withdrawn', plan.withdrawals.length);
  metrics.marks('suspended', plan.suspensions.length);
  metrics.marks('restamped', plan.restamps.length + plan.resumptions.length);
}
