import { emptyMap } from '../../api/artifacts/fields.ts';
import type { FleetResolved, RolloutPolicy } from '../../api/artifacts/fleet-resolved.ts';

/**
 * A fleet whose `all-at-once` policies without waves have the one wave that they mean: every host, no soak
 * (planner.md §4.6). The signed text is never rewritten, only the value in memory.
 */
export function normalizeFleet<Fleet extends Pick<FleetResolved, 'rolloutPolicies'>>(fleet: Fleet): Fleet {
  const rolloutPolicies = emptyMap<RolloutPolicy>();
  for (const [name, policy] of Object.entries(fleet.rolloutPolicies))
    rolloutPolicies[name] = normalizePolicy(policy);
  return { ...fleet, rolloutPolicies };
}

function normalizePolicy(policy: RolloutPolicy): RolloutPolicy {
  if (policy.strategy !== 'all-at-once' || policy.waves.length > 0) return policy;
  const selector = { tags: [], tagsAny: [], hosts: [], channel: null, all: true };
  return { ...policy, waves: [{ selector, soakMinutes: 0 }] };
}
