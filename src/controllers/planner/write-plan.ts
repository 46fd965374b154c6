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

/** What is left to the next plan, by object name of the records. */
export interface LeftToWrite {
  /** Somebody else wrote first. */
  readonly lost: readonly string[];
  /** Held in passing: written where it takes longer. */
  readonly passing: readonly string[];
}

/**
 * Writes a plan: waves first, and only when all of them are written the marks (architecture.md §1). Resolves when the
 * caches hold every answer.
 */
export async function writePlan(
  context: ControllerContext,
  plan: FleetPlan,
  term: number,
  now: Timestamp,
): Promise<LeftToWrite> {
  const changes = plannedChanges(plan);
  // As the plan saw them: whatever changes meanwhile makes a write lose its compare-and-swap.
  const records = recordsToVisit(context, plan, changes);
  for (const wave of plan.waves) await writeWave(context, wave);
  const lost: string[] = [];
  const passing: string[] = [];
  await forEachParallel(records, PARALLEL_WRITES, async (record) => {
    const { name } = record.metadata;
    const change = changes.get(name);
    if (change !== undefined && isPassing(context, record, change, now)) passing.push(name);
    else if (!(await writeRecord(context, record, change, term, now))) lost.push(name);
  });
  countMarks(context, plan);
  return { lost, passing };
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

/** Records about which the plan may say something new, and those that still show gates which no longer hold them. */
function recordsToVisit(
  context: ControllerContext,
  { visited }: FleetPlan,
  changes: ReadonlyMap<string, PlannedChange>,
): HostRolloutRecord[] {
  const { records } = context.stores;
  const looked =
    visited === undefined
      ? records.list()
      : [...new Set([...visited, ...changes.keys()])]
          .map((name) => records.get(keyIn(context, name)))
          .filter((record) => record !== undefined);
  return looked.filter(
    ({ metadata, status }) => changes.has(metadata.name) || status?.blockedBy !== undefined,
  );
}

/**
 * That a rollout is being opened is over in a moment and shows in its state: it is written into records only where it
 * takes longer.
 */
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
