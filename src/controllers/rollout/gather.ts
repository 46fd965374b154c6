import type { Rollout } from '../../api/kinds/rollout.ts';
import { recordsOfRollout, type RolloutRecords } from '../../core/rollout/current-records.ts';
import type { RolloutFacts } from '../../core/rollout/facts.ts';
import { INDEX_BY_ROLLOUT, keyIn, servedFleet, type ControllerContext } from '../context.ts';

/** The records of a Rollout as cached. */
export function gatherRecords(context: ControllerContext, rollout: Rollout): RolloutRecords {
  const { records } = context.stores;
  return recordsOfRollout(rollout, records.byIndex(INDEX_BY_ROLLOUT, rollout.metadata.name));
}

/** All that a Rollout's status follows from, as cached. */
export function gatherFacts(
  context: ControllerContext,
  rollout: Rollout,
  { newest }: RolloutRecords,
): RolloutFacts {
  const fleet = servedFleet(context);
  const { hosts } = context.stores;
  return {
    rollout,
    records: newest,
    isOffline: (hostRef) => hosts.get(keyIn(context, hostRef))?.status?.offline === true,
    offlinePolicy: fleet?.spec.offline.policy ?? 'Wait',
    fleetOnHold: fleet?.spec.intent.hold === 'Hold',
    now: context.clock.now(),
  };
}
