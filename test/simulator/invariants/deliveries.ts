import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import { hostResource, fleetResource } from '../../../src/api/kinds/resources.ts';
import { millisBetween } from '../../../src/api/time.ts';
import { FLEET, NAMESPACE } from '../replica.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';
import { nameOf, recordChange } from './records.ts';

const REDELIVER_MS = 15_000;
/** How far the clocks of two replicas may lie apart. */
const SKEW_MS = 500;

/**
 * A mark that was written under an earlier term than the Fleet's is never handed out; the same mark goes out again
 * after 15 s at the soonest; a host that has said that it runs its target is not switched again.
 */
export class Deliveries implements Observer {
  /** By record uid: the Fleet's term when its mark was written. */
  readonly #termAt = new Map<string, number>();

  onChange(change: ApiChange, world: WorldView): void {
    const record = recordChange(change);
    if (record === undefined || change.type === 'DELETED') return;
    const { before, after } = record;
    const [old, mark] = [before?.status?.dispatch, after.status?.dispatch];
    const uid = after.metadata.uid ?? '';
    if (mark === undefined) return;
    if (mark.term !== old?.term || mark.queuedAt !== old.queuedAt) this.#termAt.set(uid, termOf(world));
    if (mark.lastDeliveredAt === old?.lastDeliveredAt || mark.lastDeliveredAt === undefined) return;
    const term = this.#termAt.get(uid) ?? 0;
    if (mark.term < term) {
      world.violated(
        'deliveries',
        `${nameOf(after)} gets a mark of term ${mark.term}, written in term ${term}`,
      );
    }
    const last = mark.queuedAt === old?.queuedAt ? old.lastDeliveredAt : undefined;
    if (last !== undefined && millisBetween(last, mark.lastDeliveredAt) < REDELIVER_MS - SKEW_MS) {
      world.violated('deliveries', `${nameOf(after)} gets its mark again soon after ${last}`);
    }
    this.#checkTarget(after.spec.hostRef, after.spec.targetClosure, nameOf(after), world);
  }

  #checkTarget(hostRef: string, target: string, name: string, world: WorldView): void {
    const host = world.api.peek(hostResource, { namespace: NAMESPACE, name: hostRef });
    const since = host?.status?.closureSince;
    if (host?.status?.closure !== target || since === undefined) return;
    if (world.now - world.millisOf(since) > 20_000)
      world.violated('deliveries', `${name} is switched to what it runs`);
  }
}

function termOf(world: WorldView): number {
  const fleet: Fleet | undefined = world.api.peek(fleetResource, { namespace: NAMESPACE, name: FLEET });
  return fleet?.status?.term ?? 0;
}
