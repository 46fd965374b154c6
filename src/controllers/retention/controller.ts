import { Controller } from '../../kube/controller.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { WorkQueue } from '../../kube/work-queue.ts';
import type { ControllerContext } from '../context.ts';
import { deleteBurnedNonces } from './delete-burned-nonces.ts';
import { deleteContent } from './delete-content.ts';
import { deleteOrphans } from './delete-orphans.ts';
import { pruneRollouts } from './prune-rollouts.ts';

/** The only key. */
const RETENTION_KEY = 'retention';

/** The controller that deletes what nobody needs any more; it comes back on its own. */
export function createRetentionController(context: ControllerContext, metrics?: RuntimeMetrics): Controller {
  return new Controller({
    name: 'retention',
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    reconcile: async (_key, { signal }) => {
      await pruneRollouts(context, signal);
      await deleteOrphans(context, signal);
      await deleteContent(context, signal);
      await deleteBurnedNonces(context, signal);
      return { requeueAfterMs: context.settings.retentionIntervalMs };
    },
  });
}

/** Looks at once, and again when a Rollout is gone. Returns the removal. */
export function wireRetentionController(context: ControllerContext, queue: WorkQueue): () => void {
  queue.add(RETENTION_KEY);
  return context.stores.rollouts.subscribe((change) => {
    if (change.type === 'deleted') queue.add(RETENTION_KEY);
  });
}
