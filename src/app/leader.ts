import { hostRolloutRecordResource } from '../api/kinds/resources.ts';
import type { ReleaseCache } from '../controllers/content/release-cache.ts';
import { keyIn, type ControllerContext } from '../controllers/context.ts';
import { createFleetController } from '../controllers/fleet/fleet-controller.ts';
import { COUNT_KEY } from '../controllers/fleet/watch-fleet.ts';
import { createHostController, wireHostController } from '../controllers/host/controller.ts';
import { LeaderTerm } from '../controllers/planner/leader-term.ts';
import { PlanBoard } from '../controllers/planner/plan-board.ts';
import { createPlannerController } from '../controllers/planner/planner-controller.ts';
import { createRecordController, wireRecordController } from '../controllers/record/controller.ts';
import { RENEWALS_KEY, RenewalWatch } from '../controllers/renewals/controller.ts';
import { createRetentionController, wireRetentionController } from '../controllers/retention/controller.ts';
import {
  createRevocationController,
  wireRevocationController,
} from '../controllers/revocations/controller.ts';
import { createRolloutController, wireRolloutController } from '../controllers/rollout/controller.ts';
import type { SideDocuments } from '../controllers/side-documents/side-documents.ts';
import type { Controller } from '../kube/controller.ts';
import type { RuntimeMetrics } from '../kube/runtime-metrics.ts';
import { UnansweredWrites } from '../kube/unanswered-writes.ts';
import type { WorkQueue } from '../kube/work-queue.ts';

/** The controllers of the leader, running. */
export interface Leader {
  readonly queues: readonly WorkQueue[];
  /** Takes no new work and waits for what is under way, up to `drainMs`. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Starts every controller; called once, when this process has become the leader and its caches are there. Without the
 * signed side documents (a simulation has none) nothing is revoked.
 */
export function startLeader(
  of: ControllerContext,
  releases: ReleaseCache,
  metrics: RuntimeMetrics,
  documents?: SideDocuments,
): Leader {
  const unanswered = new UnansweredWrites(hostRolloutRecordResource, of.stores.records);
  const context = { ...of, client: unanswered.following(of.client) };
  const board = new PlanBoard(context, () => fleet.queue.add(COUNT_KEY));
  const record = createRecordController(context, board, metrics);
  const rollout = createRolloutController(context, metrics);
  const host = createHostController(context, metrics);
  const retention = createRetentionController(context, metrics);
  const planner = createPlannerController(
    context,
    { releases, board, unanswered, term: new LeaderTerm(context), recover: (key) => record.queue.add(key) },
    metrics,
  );
  const renewals =
    documents &&
    new RenewalWatch(context, {
      releases,
      documents,
      onChange: () => fleet.queue.add(keyIn(context, context.fleetName)),
    });
  const fleet: Controller = createFleetController(
    context,
    {
      releases,
      deadlocks: () => board.deadlocks(),
      ...(renewals && { renewals: () => renewals.due }),
    },
    metrics,
  );
  wireRecordController(context, record.queue);
  wireRolloutController(context, rollout.queue);
  wireHostController(context, host.queue);
  wireRetentionController(context, retention.queue);
  const controllers: Controller[] = [fleet, planner, record, rollout, host, retention];
  if (documents !== undefined) {
    const revocations = createRevocationController(context, documents, metrics);
    wireRevocationController(context, documents, revocations.queue);
    controllers.push(revocations);
  }
  if (renewals !== undefined) {
    const watch = renewals.controller(metrics);
    watch.queue.add(RENEWALS_KEY);
    controllers.push(watch);
  }
  for (const controller of controllers) controller.start();
  return {
    queues: controllers.map(({ queue }) => queue),
    stop: async (drainMs) => {
      await Promise.all(controllers.map((controller) => controller.stop(drainMs)));
    },
  };
}
