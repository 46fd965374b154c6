import { fleetResource, rolloutResource } from '../../../src/api/kinds/resources.ts';
import { FLEET, NAMESPACE } from '../replica.ts';
import type { Observer, WorldView } from '../observer.ts';
import { allRecords, nameOf, stateOf } from './records.ts';

/**
 * A fleet in which nothing fails ends Terminal, or the Fleet says Deadlocked and why. And whatever happened: a host
 * that waits at the end says for what.
 */
export class Endings implements Observer {
  atEnd(world: WorldView): void {
    const fleet = world.api.peek(fleetResource, { namespace: NAMESPACE, name: FLEET });
    const inForce = new Set((fleet?.status?.channels ?? []).map(({ rollout }) => rollout));
    this.#checkWaiting(world, inForce);
    if (!world.scenario.promises.ends || world.isCutOff) return;
    const deadlocked = fleet?.status?.conditions?.find(({ type }) => type === 'Deadlocked');
    if (deadlocked?.status === 'True' && deadlocked.message !== '') return;
    for (const name of inForce) {
      const state = world.api.peek(rolloutResource, { namespace: NAMESPACE, name })?.status?.state;
      if (state !== 'Terminal')
        world.violated('endings', `${name} ends ${String(state)}, and nobody says Deadlocked`);
    }
    if (fleet?.status?.artifact === undefined) world.violated('endings', 'nothing was ever in force');
  }

  #checkWaiting(world: WorldView, inForce: ReadonlySet<string>): void {
    for (const record of allRecords(world.api)) {
      const { status } = record;
      if (!inForce.has(record.spec.rolloutRef) || stateOf(record) !== 'Pending') continue;
      const explained = (status?.blockedBy ?? []).length > 0 || status?.dispatch !== undefined;
      if (explained || status?.clearedAt !== undefined) continue;
      const onTarget = world.hosts.get(record.spec.hostname)?.machine.closure === record.spec.targetClosure;
      if (!onTarget) world.violated('endings', `${nameOf(record)} waits and nothing says for what`);
    }
  }
}
