import type { Selector } from '../../api/artifacts/selector.ts';
import { compareCodePoints } from '../planner/order.ts';

export { selectorKey, selectorSummary } from '../planner/selector.ts';

/** What of a host a selector looks at. */
export interface SelectableHost {
  readonly name: string;
  readonly channel: string;
  readonly tags: readonly string[];
}

/** Whether the selector picks the host: one satisfied member suffices (planner.md §7). */
export function selects(selector: Selector, host: SelectableHost): boolean {
  return matcher(selector)(host.name, host);
}

/** The names of the selected hosts, ascending by code point. */
export function selectedHosts(
  selector: Selector,
  hosts: Readonly<Record<string, Pick<SelectableHost, 'channel' | 'tags'>>>,
): string[] {
  const matches = matcher(selector);
  return Object.entries(hosts)
    .filter(([name, host]) => matches(name, host))
    .map(([name]) => name)
    .toSorted(compareCodePoints);
}

type Matcher = (name: string, host: Pick<SelectableHost, 'channel' | 'tags'>) => boolean;

/** A selector may list ten thousand hosts, hence the sets. */
function matcher(selector: Selector): Matcher {
  const { tags, channel, all } = selector;
  if (all) return () => true;
  const hosts = new Set(selector.hosts);
  const anyOf = new Set(selector.tagsAny);
  return (name, host) =>
    hosts.has(name) ||
    host.channel === channel ||
    (tags.length > 0 && tags.every((tag) => host.tags.includes(tag))) ||
    host.tags.some((tag) => anyOf.has(tag));
}
