import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { rolloutResource } from '../../api/kinds/resources.ts';
import { isNotFound } from '../../kube/errors.ts';
import { keyIn, type ControllerContext } from '../context.ts';
import { deleteRecord } from './prune-rollouts.ts';

/**
 * Deletes records whose Rollout is gone, whoever deleted it: there may be no garbage collector. The API server is
 * asked, because a Rollout that was just opened can be missing from the cache.
 */
export async function deleteOrphans(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { records, rollouts } = context.stores;
  const suspects = records
    .list()
    .filter(({ spec }) => rollouts.get(keyIn(context, spec.rolloutRef)) === undefined);
  for (const [name, orphans] of Map.groupBy(suspects, ({ spec }) => spec.rolloutRef)) {
    signal.throwIfAborted();
    if (await exists(context, name)) continue;
    for (const record of orphans) await deleteOrphan(context, record);
  }
}

async function deleteOrphan(context: ControllerContext, record: HostRolloutRecord): Promise<void> {
  await deleteRecord(context, record);
  const { rolloutId, hostname } = record.spec;
  context.audit.info({ rolloutId, host: hostname, cause: 'RolloutDeleted' }, 'record deleted');
}

async function exists(context: ControllerContext, name: string): Promise<boolean> {
  try {
    await context.client.get(rolloutResource, { namespace: context.namespace, name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
