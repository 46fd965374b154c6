import { rolloutResource } from '../../api/kinds/resources.ts';
import type { Rollout, RolloutStatus } from '../../api/kinds/rollout.ts';
import type { Timestamp } from '../../api/time.ts';
import { stepRollout } from '../../core/rollout/step.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';

/**
 * Supersedes every Rollout that the content in force does not name: earlier refs and attempts by their successor, those
 * of channels that are gone by none. `inForce` maps a channel to the name of its Rollout.
 */
export async function supersedeOthers(
  context: ControllerContext,
  inForce: ReadonlyMap<string, string>,
): Promise<void> {
  const others = context.stores.rollouts
    .list()
    .filter((rollout) => rollout.spec.fleetRef === context.fleetName)
    .filter((rollout) => inForce.get(rollout.spec.channel) !== rollout.metadata.name)
    .filter((rollout) => rollout.status?.state !== 'Superseded');
  const now = context.clock.now();
  await forEachParallel(others, 4, (rollout) =>
    supersede(context, rollout, inForce.get(rollout.spec.channel), now),
  );
}

async function supersede(
  context: ControllerContext,
  rollout: Rollout,
  successor: string | undefined,
  now: Timestamp,
): Promise<void> {
  const from = rollout.status?.state ?? 'Opening';
  const { rolloutId, channel, channelRef } = rollout.spec;
  const step = stepRollout(
    {
      rolloutId,
      channel,
      targetRef: channelRef,
      state: from,
      currentWave: rollout.status?.currentWave ?? 0,
      openedAt: now,
    },
    { type: 'SuccessorOpened', supersededRolloutId: rolloutId, successorRolloutId: successor ?? '', at: now },
    now,
  );
  if (!step.ok || step.next.state === from) return;
  const status: RolloutStatus = {
    ...rollout.status,
    state: step.next.state,
    currentWave: step.next.currentWave,
    supersededAt: step.next.supersededAt ?? now,
    ...(successor !== undefined && { supersededBy: successor }),
  };
  const written = await updateStatus(context.client, rolloutResource, context.stores.rollouts, {
    base: rollout,
    next: { ...rollout, status },
  });
  const cause = successor ?? `channel ${channel} is no longer in the content in force`;
  context.audit.info(
    { rollout: rollout.metadata.name, from, to: 'Superseded', cause },
    'a rollout changed its state',
  );
  context.metrics.rolloutTransition(from, 'Superseded');
  context.events.record({
    about: written,
    type: 'Normal',
    reason: 'Superseded',
    message: `${rolloutId} is superseded: ${cause}`,
  });
}
