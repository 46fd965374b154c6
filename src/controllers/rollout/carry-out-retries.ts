import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { planRetries, type Retry } from '../../core/rollout/retry.ts';
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts';
import { createObject, deleteObject } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';
import { gatherRecords } from './gather.ts';

/** Creates the next try of hosts that a person wants retried, then deletes tries that were replaced (D16). */
export async function carryOutRetries(context: ControllerContext, rollout: Rollout): Promise<void> {
  const plan = planRetries(rollout, gatherRecords(context, rollout), context.clock.now());
  for (const retry of plan.retries) await createTry(context, rollout, retry);
  for (const host of plan.refused) tellRefusal(context, rollout, host);
  const { obsolete } = planRetries(rollout, gatherRecords(context, rollout), context.clock.now());
  for (const record of obsolete) {
    try {
      // The version, too: what a host says in this very moment is decided first.
      const { resourceVersion } = record.metadata;
      await deleteObject(context.client, hostRolloutRecordResource, context.stores.records, record, {
        resourceVersion,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
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
  events.record({ about: rollout, type: 'Normal', reason: 'HostRetried', message });
}

function tellRefusal(context: ControllerContext, rollout: Rollout, host: string): void {
  const why =
    rollout.status?.state === 'Superseded' ? 'the rollout is superseded' : 'the rollout has no such host';
  const message = `${host} cannot be retried: ${why}. Remove it from spec.intent.retry`;
  context.events.record({ about: rollout, type: 'Warning', reason: 'RetryRefused', message });
}
