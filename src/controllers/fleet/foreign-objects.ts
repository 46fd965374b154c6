import type { ControllerContext } from '../context.ts';

/**
 * Says what of another Fleet is in the namespace, and what to do about it; undefined where nothing is. Hosts and Rollouts
 * belong to one Fleet for ever, and one namespace serves one Fleet (architecture.md §1): two would share their names.
 */
export function foreignObjects({ stores, fleetName }: ControllerContext): string | undefined {
  const hosts = stores.hosts.list().filter(({ spec }) => spec.fleetRef !== fleetName);
  const rollouts = stores.rollouts.list().filter(({ spec }) => spec.fleetRef !== fleetName);
  const [first] = [...hosts, ...rollouts];
  if (first === undefined) return undefined;
  const other = first.spec.fleetRef;
  return (
    `the namespace holds ${hosts.length} Hosts and ${rollouts.length} Rollouts of the Fleet "${other}", such as ` +
    `${first.metadata.name}: serve that one (--fleet=${other}) and this one in a namespace of its own, or give it up ` +
    `for good: kubectl delete nfr,nfh -l nixfleet.dev/fleet=${other}`
  );
}
