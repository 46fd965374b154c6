import { compareCodePoints } from './order.ts';

/** A host selector; a member left out equals its default (planner.md §7). */
export interface PlannerSelector {
  readonly tags?: readonly string[];
  readonly tagsAny?: readonly string[];
  readonly hosts?: readonly string[];
  readonly channel?: string | null;
  readonly all?: boolean;
}

/** A text that two selectors share exactly where they are equal: member by member, arrays in order (planner.md §7). */
export function selectorKey(selector: PlannerSelector): string {
  const { all = false, channel = null, tags = [], tagsAny = [], hosts = [] } = selector;
  return JSON.stringify([all, channel, tags, tagsAny, hosts]);
}

/** A short text for people: the first member that applies (planner.md §7). */
export function selectorSummary(selector: PlannerSelector): string {
  const { all = false, channel = null, tags = [], tagsAny = [], hosts = [] } = selector;
  if (all) return 'all';
  if (channel !== null) return `channel:${channel}`;
  if (tags.length > 0) return `tags:${joined(tags)}`;
  if (tagsAny.length > 0) return `tags_any:${joined(tagsAny)}`;
  if (hosts.length > 0) return `hosts:${joined(hosts)}`;
  return 'unknown';
}

function joined(names: readonly string[]): string {
  return names.toSorted(compareCodePoints).join(',');
}
