import type { RolloutStatus } from '../../api/kinds/rollout.ts';
import type { HostState } from '../../api/wire/enums.ts';
import { stateOf } from './current-records.ts';
import { isGivenUp, type RolloutFacts } from './facts.ts';

/** The counters of a Rollout's status. */
export type HostCounters = NonNullable<RolloutStatus['hosts']>;

const counterOf = {
  Pending: 'pending',
  Activating: 'activating',
  Deferred: 'deferred',
  Soaking: 'soaking',
  Converged: 'converged',
  Failed: 'failed',
  Reverted: 'reverted',
} as const satisfies Record<HostState, keyof HostCounters>;

/** Counts a rollout's hosts. `total` is the manifest's, whether their records exist yet or not. */
export function countHosts(facts: RolloutFacts): HostCounters {
  const counters = {
    total: facts.rollout.spec.hostCount,
    pending: 0,
    activating: 0,
    deferred: 0,
    soaking: 0,
    converged: 0,
    failed: 0,
    reverted: 0,
    offline: 0,
    leftBehind: 0,
  };
  for (const record of facts.records) {
    const state = stateOf(record);
    counters[counterOf[state]] += 1;
    if (facts.isOffline(record.spec.hostRef)) counters.offline += 1;
    if (isGivenUp(record, facts)) counters.leftBehind += 1;
  }
  return counters;
}
