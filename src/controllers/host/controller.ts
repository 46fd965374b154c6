import type { Host, HostStatus } from '../../api/kinds/host.ts';
import { hostResource } from '../../api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import { conditionOf } from '../../core/conditions.ts';
import { durationOr } from '../../core/duration.ts';
import { isPassing, isUrgentVerdict, judgeHost } from '../../core/host/verdict.ts';
import { isOwnedBy } from '../../core/rollout/open.ts';
import { Controller, type ReconcileResult } from '../../kube/controller.ts';
import { isNotFound } from '../../kube/errors.ts';
import { keyOf, refOfKey } from '../../kube/resource.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { WorkQueue } from '../../kube/work-queue.ts';
import { casLoop, updateStatus } from '../../kube/writes.ts';
import { INDEX_BY_HOST, INDEX_BY_ROLLOUT, keyIn, servedFleet, type ControllerContext } from '../context.ts';
import { StandingVerdicts } from './standing-verdicts.ts';

const WORKERS = 8;
const CAS_ATTEMPTS = 5;
/** A verdict that is about to be replaced waits longer by this factor. */
const PASSING_FACTOR = 4;
const DEFAULT_OFFLINE_AFTER_MS = 15 * 60_000;

/** The controller that writes what the leader makes of each Host. Keys are Hosts. */
export function createHostController(context: ControllerContext, metrics?: RuntimeMetrics): Controller {
  const verdicts = new StandingVerdicts();
  return new Controller({
    name: 'host',
    workers: WORKERS,
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    reconcile: (key) => reconcile(context, verdicts, key),
  });
}

/** Adds Hosts on which the verdict may have changed. Returns the removal. */
export function wireHostController(context: ControllerContext, queue: WorkQueue): () => void {
  const { stores } = context;
  const addHostOf = ({ spec }: HostRolloutRecord): void => queue.add(keyIn(context, spec.hostRef));
  const removals = [
    stores.hosts.subscribe((change) => queue.add(keyOf(change.type === 'deleted' ? change.old : change.new))),
    stores.records.subscribe((change) => {
      if (change.type === 'deleted') addHostOf(change.old);
      else if (change.type === 'added' || change.old.status?.state !== change.new.status?.state) {
        addHostOf(change.new);
      }
    }),
    stores.rollouts.subscribe((change) => {
      if (change.type === 'updated') return;
      const { name } = (change.type === 'deleted' ? change.old : change.new).metadata;
      stores.records.byIndex(INDEX_BY_ROLLOUT, name).forEach(addHostOf);
    }),
    stores.fleets.subscribe((change) => {
      if (change.type !== 'updated' || change.old.spec.offline.after === change.new.spec.offline.after)
        return;
      for (const host of stores.hosts.values()) queue.add(keyOf(host));
    }),
  ];
  return () => removals.forEach((remove) => remove());
}

async function reconcile(
  context: ControllerContext,
  verdicts: StandingVerdicts,
  key: string,
): Promise<ReconcileResult> {
  return casLoop(CAS_ATTEMPTS, async (attempt) => {
    const host = attempt === 0 ? context.stores.hosts.get(key) : await readLive(context, key);
    if (host === undefined || host.metadata.deletionTimestamp !== undefined) {
      verdicts.forget(key);
      return {};
    }
    return judgeAndWrite(context, verdicts, host);
  });
}

async function judgeAndWrite(
  context: ControllerContext,
  verdicts: StandingVerdicts,
  base: Host,
): Promise<ReconcileResult> {
  const { client, clock, stores } = context;
  const key = keyOf(base);
  const monotonicMs = clock.monotonicMillis();
  const { status, lookAgainInMs } = judgeHost(base, recordsOf(context, base), {
    now: clock.now(),
    offlineAfterMs: durationOr(servedFleet(context)?.spec.offline.after, DEFAULT_OFFLINE_AFTER_MS),
    ledForMs: monotonicMs - context.leadingSinceMs,
  });
  const fingerprint = verdictOf(status);
  if (fingerprint === verdictOf(base.status)) {
    verdicts.forget(key);
    return { requeueAfterMs: lookAgainInMs };
  }
  const delayMs = delayOf(context, base.status, status);
  const wait = delayMs === 0 ? 0 : verdicts.waitMs(key, fingerprint, delayMs, monotonicMs);
  if (wait > 0) return { requeueAfterMs: Math.min(wait, lookAgainInMs ?? wait) };
  const written = await updateStatus(client, hostResource, stores.hosts, { base, next: { ...base, status } });
  verdicts.forget(key);
  if ((base.status?.offline ?? false) !== status.offline) tellConnectivity(context, written);
  tellClock(context, base, written);
  return { requeueAfterMs: lookAgainInMs };
}

/** How long a verdict has to stand before it is written, in milliseconds. */
function delayOf({ settings }: ControllerContext, before: HostStatus | undefined, after: HostStatus): number {
  if (isUrgentVerdict(before, after)) return 0;
  return settings.verdictDelayMs * (isPassing(after) ? PASSING_FACTOR : 1);
}

/** The host's records in rollouts that exist. */
function recordsOf(context: ControllerContext, host: Host): HostRolloutRecord[] {
  const { records, rollouts } = context.stores;
  return records.byIndex(INDEX_BY_HOST, host.metadata.name).filter((record) => {
    const rollout = rollouts.get(keyIn(context, record.spec.rolloutRef));
    return rollout !== undefined && isOwnedBy(record, rollout);
  });
}

/** The verdicts of a status as text. The times of conditions are left out: they follow from the rest. */
function verdictOf(status: HostStatus | undefined): string {
  const { state, rollout, declared, closureShort, offline, conditions } = status ?? {};
  const observed = conditions?.map(({ lastTransitionTime: _time, ...observation }) => observation);
  return JSON.stringify([state, rollout, declared, closureShort, offline, observed]);
}

function tellConnectivity({ audit, events }: ControllerContext, host: Host): void {
  const offline = host.status?.offline === true;
  const lastSeen = host.status?.lastSeenTime;
  const { hostname } = host.spec;
  audit.info({ host: hostname, offline, lastSeen }, offline ? 'host offline' : 'host online');
  events.record({
    about: host,
    type: offline ? 'Warning' : 'Normal',
    reason: (offline ? 'HostOffline' : 'HostOnline') satisfies EventReason,
    message: offline
      ? `nothing was heard since ${lastSeen ?? 'the object was created'}`
      : 'the host reports again',
  });
}

function tellClock({ audit, events }: ControllerContext, before: Host, after: Host): void {
  const skewed = ({ status }: Host) => conditionOf(status?.conditions, 'ClockSynced')?.status === 'False';
  if (skewed(before) || !skewed(after)) return;
  const { clockSkewSeconds } = after.status ?? {};
  audit.info({ host: after.spec.hostname, clockSkewSeconds }, 'the clock of a host is wrong');
  const message = conditionOf(after.status?.conditions, 'ClockSynced')?.message ?? '';
  events.record({ about: after, type: 'Warning', reason: 'ClockSkew' satisfies EventReason, message });
}

async function readLive(context: ControllerContext, key: string): Promise<Host | undefined> {
  try {
    return await context.client.get(hostResource, refOfKey(key));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
