import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../api/kinds/resources.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import { isOwnedBy } from '../../core/rollout/open.ts';
import { expiredRollouts } from '../../core/rollout/retention.ts';
import { isNotFound } from '../../kube/errors.ts';
import { deleteObject } from '../../kube/writes.ts';
import { INDEX_BY_ROLLOUT, servedFleet, type ControllerContext } from '../context.ts';

/** Deletes old rollouts, their records first: a crash in between leaves an expired Rollout, never orphans. */
export async function pruneRollouts(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { stores } = context;
  const recordsOf = (rollout: Rollout): readonly HostRolloutRecord[] =>
    stores.records
      .byIndex(INDEX_BY_ROLLOUT, rollout.metadata.name)
      .filter((record) => isOwnedBy(record, rollout));
  const expired = expiredRollouts({
    fleet: servedFleet(context),
    rollouts: stores.rollouts.list(),
    recordsOf,
    now: context.clock.now(),
  });
  for (const rollout of expired) {
    signal.throwIfAborted();
    for (const record of recordsOf(rollout)) await deleteRecord(context, record);
    await deleteRollout(context, rollout);
  }
}

/** Deletes a record as it was judged: one that has changed since stays until the next look. */
export async function deleteRecord(context: ControllerContext, record: HostRolloutRecord): Promise<void> {
  const { resourceVersion } = record.metadata;
  try {
    await deleteObject(context.client, hostRolloutRecordResource, context.stores.records, record, {
      resourceVersion,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function deleteRollout(context: ControllerContext, rollout: Rollout): Promise<void> {
  const { client, stores, audit, events, metrics } = context;
  const { resourceVersion, name } = rollout.metadata;
  try {
    await deleteObject(client, rolloutResource, stores.rollouts, rollout, { resourceVersion });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return;
  }
  const from = rollout.status?.state ?? 'Opening';
  const { rolloutId, channel } = rollout.spec;
  metrics.rolloutTransition(from, 'Pruned');
  audit.info(
    {
      rollout: name,
      rolloutId,
      channel,
      from,
      to: 'Pruned',
      at: context.clock.now(),
      cause: 'RetentionExpired',
    },
    'rollout transition',
  );
  const fleet = servedFleet(context);
  if (fleet === undefined) return;
  const message = `${name} (${rolloutId}) is older than spec.retention asks to keep`;
  events.record({ about: fleet, type: 'Normal', reason: 'RolloutPruned' satisfies EventReason, message });
}
