import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import type { RolloutRecords } from '../../core/rollout/current-records.ts';
import { planRetries, type Retry } from '../../core/rollout/retry.ts';
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts';
import { createObject, deleteObject } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';
import { gatherRecords } from './gather.ts';

/**
 * Creates the next try of hosts that a person wants retried, then deletes tries that were replaced (D16). Resolves to
 * the records afterwards.
 */
export async function carryOutRetries(
  context: ControllerContext,
  rollout: Rollout,
  records: RolloutRecords,
): Promise<RolloutRecords> {
  if (rollout.spec.intent.retry.length === 0 && records.older.length === 0) return records;
  const { retries, refused } = planRetries(rollout, records, context.clock.now());
  for (const retry of retries) await createTry(context, rollout, retry);
  for (const host of refused) tellRefusal(context, rollout, host);
  const after = gatherRecords(context, rollout);
  const { obsolete } = planRetries(rollout, after, context.clock.now());
  for (const record of obsolete) await deleteTry(context, record);
  return after;
}

async function deleteTry({ client, stores }: ControllerContext, record: HostRolloutRecord): Promise<void> {
  // The version, too: what a host says in this very moment is decided first.
  const { resourceVersion } = record.metadata;
  try {
    await deleteObject(client, hostRolloutRecordResource, stores.records, record, { resourceVersion });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function createTry(
  context: ControllerContext,
  rollout: Rollout,
  { record, reason }: Retry,
): Promise<void> {
  const { client, stores, audit, events } = context;
  try {
    await createObject(client, hostRolloutRecordResource, stores.records, record);
  } catch (error) {
    // Made before a crash; the cache will show it and bring this Rollout back.
    if (!isAlreadyExists(error)) throw error;
    return;
  }
  const { hostname, attempt, rolloutId } = record.spec;
  audit.info({ rolloutId, host: hostname, attempt, reason, cause: 'retry' }, 'host retried');
  const message = `${hostname} gets try ${attempt}. Reason given: ${reason}`;
  events.record({ about: rollout, type: 'Normal', reason: 'HostRetried' satisfies EventReason, message });
}

function tellRefusal(context: ControllerContext, rollout: Rollout, host: string): void {
  const why =
    rollout.status?.state === 'Superseded' ? 'the rollout is superseded' : 'the rollout has no such host';
  const message = `${host} cannot be retried: ${why}. Remove it from spec.intent.retry`;
  context.events.record({
    about: rollout,
    type: 'Warning',
    reason: 'RetryRefused' satisfies EventReason,
    message,
  });
}
