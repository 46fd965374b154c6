import type { FleetResolved } from '../../api/artifacts/fleet-resolved.ts';
import type { Fleet } from '../../api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../api/kinds/resources.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import type { Rollout, RolloutStatus } from '../../api/kinds/rollout.ts';
import type { ReleaseManifest } from '../../core/artifacts/release.ts';
import { hostName } from '../../core/naming.ts';
import type { AttemptChoice } from '../../core/rollout/attempts.ts';
import { isOwnedBy, newRecord, newRollout, type FleetPlace } from '../../core/rollout/open.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { createObject, deleteObject, updateStatus } from '../../kube/writes.ts';
import { INDEX_BY_HOST, INDEX_BY_ROLLOUT, keyIn, type ControllerContext } from '../context.ts';

const PARALLEL_WRITES = 16;

/** What is opened: one channel of the content in force. */
export interface Opening {
  readonly fleet: Fleet;
  readonly resolved: FleetResolved;
  readonly manifest: ReleaseManifest;
  readonly contentRefs: readonly string[];
  readonly choice: AttemptChoice;
}

/**
 * The Rollout of a channel, made where it is missing. One that `Fleet.status.channels` says was opened before was
 * deleted since, and its hosts may be in the middle of anything (D22).
 */
export async function ensureRollout(context: ControllerContext, opening: Opening): Promise<Rollout> {
  const { fleet, resolved, manifest, choice } = opening;
  const existing = context.stores.rollouts.get(keyIn(context, choice.name));
  if (existing !== undefined) return existing;
  const reopened =
    fleet.status?.channels?.some(({ rollout, opened }) => rollout === choice.name && opened === true) ??
    false;
  const wanted = newRollout(placeOf(context), fleet.metadata.uid ?? '', resolved, manifest, choice, reopened);
  try {
    const created = await createObject(context.client, rolloutResource, context.stores.rollouts, wanted);
    announce(context, created);
    return created;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const found = await context.client.get(rolloutResource, {
      namespace: context.namespace,
      name: choice.name,
    });
    context.stores.rollouts.upsertFromWrite(found);
    return found;
  }
}

/**
 * Makes the records of a Rollout that are missing, also after a crash half-way (D21). Every step looks at what exists;
 * a second call does nothing.
 */
export async function fillRollout(
  context: ControllerContext,
  rollout: Rollout,
  opening: Opening,
): Promise<void> {
  await ensureRecords(context, await withManifest(context, rollout, opening), opening);
}

/** Serves agents the newest bytes of this id, and stamps the opening. */
async function withManifest(
  context: ControllerContext,
  rollout: Rollout,
  opening: Opening,
): Promise<Rollout> {
  const { manifest, contentRefs } = opening;
  const status: RolloutStatus = {
    ...rollout.status,
    state: rollout.status?.state ?? 'Opening',
    currentWave: rollout.status?.currentWave ?? 0,
    openedAt: rollout.status?.openedAt ?? context.clock.now(),
    manifest: { sha256: manifest.sha256, signedAt: manifest.signedAt, contentRefs: [...contentRefs] },
  };
  return updateStatus(context.client, rolloutResource, context.stores.rollouts, {
    base: rollout,
    next: { ...rollout, status },
  });
}

async function ensureRecords(context: ControllerContext, rollout: Rollout, opening: Opening): Promise<void> {
  const { records } = context.stores;
  const hosts = new Set<string>();
  const foreign: HostRolloutRecord[] = [];
  for (const record of records.byIndex(INDEX_BY_ROLLOUT, rollout.metadata.name)) {
    if (isOwnedBy(record, rollout)) hosts.add(record.spec.hostname);
    else foreign.push(record);
  }
  await forEachParallel(foreign, PARALLEL_WRITES, (record) =>
    deleteObject(context.client, hostRolloutRecordResource, records, record),
  );
  const missing = opening.manifest.manifest.hostSet.filter(({ hostname }) => !hosts.has(hostname));
  const now = context.clock.now();
  await forEachParallel(missing, PARALLEL_WRITES, async (host) => {
    const firstSeq = countedBefore(context, rollout, host.hostname);
    const record = newRecord(placeOf(context), rollout, opening.resolved, host, firstSeq, now);
    try {
      await createObject(context.client, hostRolloutRecordResource, records, record);
    } catch (error) {
      // The cache lags, or a record of another owner is still going; the next pass sees which.
      if (!isAlreadyExists(error)) throw error;
    }
  });
}

/** The last sequence number that any earlier attempt of this id promised to the host (D16). */
function countedBefore(context: ControllerContext, rollout: Rollout, hostname: string): number {
  let seq = 0;
  for (const record of context.stores.records.byIndex(INDEX_BY_HOST, hostName(hostname))) {
    if (record.spec.rolloutId !== rollout.spec.rolloutId) continue;
    seq = Math.max(seq, record.spec.firstSeq, record.status?.lastEventSeq ?? 0);
  }
  return seq;
}

function announce(context: ControllerContext, rollout: Rollout): void {
  const { rolloutId, attempt, hostCount, waves } = rollout.spec;
  context.audit.info(
    { rollout: rollout.metadata.name, rolloutId, attempt, hostCount },
    'a rollout was opened',
  );
  context.events.record({
    about: rollout,
    type: 'Normal',
    reason: 'RolloutOpened' satisfies EventReason,
    message: `${rolloutId}, attempt ${attempt}: ${hostCount} hosts in ${Math.max(1, waves)} waves`,
  });
}

function placeOf(context: ControllerContext): FleetPlace {
  return { namespace: context.namespace, fleetName: context.fleetName };
}
