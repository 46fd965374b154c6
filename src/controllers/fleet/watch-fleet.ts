import type { Fleet } from '../../api/kinds/fleet.ts';
import type { Host } from '../../api/kinds/host.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { Controller } from '../../kube/controller.ts';
import { sameSpec } from '../../kube/resource.ts';
import { sameJson } from '../../kube/same-json.ts';
import { keyIn, servedFleet, type ControllerContext } from '../context.ts';

/** The key of a pass that only counts: it never verifies, opens or supersedes. */
export const COUNT_KEY = 'count';

/** Brings the Fleet back whenever something it depends on changes; what only moves counters is coalesced. */
export function watchFleet(context: ControllerContext, { queue }: Controller): void {
  const served = keyIn(context, context.fleetName);
  const { stores, settings } = context;
  const recount = (): void => queue.addAfter(COUNT_KEY, settings.statusIntervalMs);
  stores.fleets.subscribe((change) => {
    if (change.type === 'deleted') return;
    if (change.type === 'updated' && onlyTells(change.old, change.new)) recount();
    else queue.add(keyIn(context, change.new.metadata.name));
  });
  stores.configMaps.subscribe(() => queue.add(served));
  stores.contents.subscribe((change) => {
    if (change.type !== 'deleted') return;
    const refs = servedFleet(context)?.status?.artifact?.contentRefs;
    if (refs?.includes(change.old.metadata.name) === true) queue.add(served);
  });
  stores.rollouts.subscribe((change) => {
    if (change.type === 'updated' && onlyCounts(change.old, change.new)) recount();
    else queue.addAfter(served, settings.planDebounceMs);
  });
  stores.records.subscribe((change) => {
    if (change.type !== 'updated') queue.addAfter(served, settings.planDebounceMs);
  });
  stores.hosts.subscribe((change) => {
    if (change.type !== 'updated' || !sameSpec(change.old, change.new)) {
      queue.addAfter(served, change.type === 'deleted' ? 0 : settings.statusIntervalMs);
    } else if (!countsSame(change.old, change.new)) recount();
  });
}

function onlyCounts(old: Rollout, next: Rollout): boolean {
  const sameManifest = sameJson(old.status?.manifest, next.status?.manifest);
  return sameSpec(old, next) && old.status?.state === next.status?.state && sameManifest;
}

/**
 * Whether nothing differs but what a Fleet's status tells people. It follows from the rest, and is put right by a count
 * where somebody else wrote it; what is in force, and under which annotations, takes a whole pass.
 */
function onlyTells(old: Fleet, next: Fleet): boolean {
  const sameAsk = sameSpec(old, next) && sameJson(old.metadata.annotations, next.metadata.annotations);
  return sameAsk && sameJson(old.status?.artifact, next.status?.artifact);
}

/** Whether a Host counts for the same in its Fleet's status. */
function countsSame({ status: old }: Host, { status: next }: Host): boolean {
  const wasHeard = old?.lastSeenTime !== undefined;
  return old?.offline === next?.offline && wasHeard === (next?.lastSeenTime !== undefined);
}
