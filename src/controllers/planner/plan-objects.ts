import type { Fleet } from '../../api/kinds/fleet.ts';
import type { Host } from '../../api/kinds/host.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { recordFromObject } from '../../core/host/object.ts';
import { outstandingFailures } from '../../core/host/outstanding-failures.ts';
import { goesOnCounting, toldAt } from '../../core/host/told.ts';
import { isReopened } from '../../core/rollout/open.ts';
import type { PlanHost, PlanRecord } from '../../core/planner/fleet-input.ts';
import { sameSpec } from '../../kube/resource.ts';
import { sameJson } from '../../kube/same-json.ts';

/**
 * Projections are kept as long as their objects: a plan of many hosts of which one has changed projects one. Objects
 * of a store never change in place.
 */
const records = new WeakMap<HostRolloutRecord, PlanRecord>();
const hosts = new WeakMap<Host, PlanHost>();

/** What a plan reads of a record. */
export function planRecordOf(object: HostRolloutRecord): PlanRecord {
  let projected = records.get(object);
  if (projected === undefined) records.set(object, (projected = projectRecord(object)));
  return projected;
}

/** What a plan reads of a host. */
export function planHostOf(object: Host): PlanHost {
  let projected = hosts.get(object);
  if (projected === undefined) hosts.set(object, (projected = projectHost(object)));
  return projected;
}

/** Whether a change of a record can matter to a plan: its inbox, history and gates do not. */
export function changesPlan(old: HostRolloutRecord, next: HostRolloutRecord): boolean {
  return (
    !sameJson(planRecordOf(old), planRecordOf(next)) ||
    old.status?.lastReport?.closure !== next.status?.lastReport?.closure ||
    old.status?.pendingEffects?.length !== next.status?.pendingEffects?.length
  );
}

/** Whether a change of a host can matter to a plan. */
export function changesPlanOfHost(old: Host, next: Host): boolean {
  return !sameJson(planHostOf(old), planHostOf(next));
}

/** Whether a change of a Rollout can matter to a plan: its counters and conditions do not. */
export function changesPlanOfRollout(old: Rollout, next: Rollout): boolean {
  return (
    !sameSpec(old, next) ||
    old.status?.state !== next.status?.state ||
    old.status?.currentWave !== next.status?.currentWave ||
    !sameJson(old.status?.manifest, next.status?.manifest)
  );
}

/** Whether a change of the Fleet can matter to a plan: what it tells people does not. */
export function changesPlanOfFleet(old: Fleet, next: Fleet): boolean {
  return (
    !sameSpec(old, next) ||
    old.status?.term !== next.status?.term ||
    !sameJson(old.status?.artifact, next.status?.artifact)
  );
}

function projectRecord(object: HostRolloutRecord): PlanRecord {
  const { metadata, spec, status } = object;
  const failures = (status?.probes ?? []).length === 0 ? 0 : outstandingFailures(recordFromObject(object));
  return {
    name: metadata.name,
    rollout: spec.rolloutRef,
    hostname: spec.hostname,
    attempt: spec.attempt,
    state: status?.state ?? 'Pending',
    targetClosure: spec.targetClosure,
    soakMinutes: spec.soakMinutes,
    outstandingFailures: failures,
    ...(isReopened(object) && { reopenedAt: spec.dispatchedAt }),
    ...(goesOnCounting(object) && { countsOn: { toldAt: toldAt(object) } }),
    ...(status?.dispatchAckedAt !== undefined && { dispatchAckedAt: status.dispatchAckedAt }),
    ...(status?.soakDueAt !== undefined && { soakDueAt: status.soakDueAt }),
    ...(status?.clearedAt !== undefined && { clearedAt: status.clearedAt }),
    ...(status?.dispatch !== undefined && { dispatch: markOf(status.dispatch) }),
  };
}

function markOf(
  mark: NonNullable<NonNullable<HostRolloutRecord['status']>['dispatch']>,
): NonNullable<PlanRecord['dispatch']> {
  const { queuedAt, term, deliveredAt, lastDeliveredAt, suspended } = mark;
  return {
    queuedAt,
    term,
    ...(deliveredAt !== undefined && { deliveredAt }),
    ...(lastDeliveredAt !== undefined && { lastDeliveredAt }),
    ...(suspended !== undefined && { suspended }),
  };
}

function projectHost({ spec, status }: Host): PlanHost {
  return {
    hostname: spec.hostname,
    offline: status?.offline === true,
    ...(status?.closure !== undefined && { closure: status.closure }),
    ...(status?.closureSince !== undefined && { closureSince: status.closureSince }),
    ...(status?.firstSeenTime !== undefined && { firstReportAt: status.firstSeenTime }),
    ...(status?.settledTime !== undefined && { settledTime: status.settledTime }),
  };
}
