import type { Rollout } from '../../api/kinds/rollout.ts';
import type { RolloutTransition } from '../../core/rollout/derive-state.ts';
import type { ControllerContext } from '../context.ts';

/** Tells people about a change of a Rollout's state that is stored: audit line, Event, metric. */
export function tellTransition(
  context: ControllerContext,
  rollout: Rollout,
  { from, to, cause, message }: RolloutTransition,
): void {
  const { rolloutId, channel } = rollout.spec;
  const at = context.clock.now();
  context.metrics.rolloutTransition(from, to);
  context.audit.info(
    { rollout: rollout.metadata.name, rolloutId, channel, from, to, at, cause, message },
    'rollout transition',
  );
  context.events.record({
    about: rollout,
    type: to === 'Failed' || to === 'Reverted' ? 'Warning' : 'Normal',
    reason: to,
    message: `${rolloutId} went from ${from} to ${to}: ${message}`,
  });
}
