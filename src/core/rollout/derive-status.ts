/** A Rollout's whole status from its records and hosts (kubernetes-api.md, Rollout). */
import type { Rollout, RolloutStatus } from '../../api/kinds/rollout.ts';
import type { Timestamp } from '../../api/time.ts';
import { withObservations } from '../conditions.ts';
import { shortRef } from '../naming.ts';
import { blockedSummary, heldCount } from './blocked.ts';
import { countHosts } from './counters.ts';
import { halts } from './current-records.ts';
import { deriveState, type RolloutTransition } from './derive-state.ts';
import type { RolloutFacts } from './facts.ts';
import { rolloutObservations, type Standing } from './observations.ts';

/** The status to write, and what changed on the way. */
export interface DerivedStatus {
  readonly status: RolloutStatus;
  readonly transitions: readonly RolloutTransition[];
}

/**
 * The status that follows from the facts. `currentWave`, `manifest` and the supersession are others' and kept;
 * `clearedAt` is the clear intent that was carried out last.
 */
export function deriveStatus(facts: RolloutFacts, clearedAt: Timestamp | undefined): DerivedStatus {
  const { rollout, records, now } = facts;
  const { record, transitions } = deriveState(facts);
  const hosts = countHosts(facts);
  const blocked = isOver(record.state) ? [] : blockedSummary(records);
  const standing: Standing = {
    state: record.state,
    hosts,
    held: heldCount(records),
    blocked,
    paused: pausedBy(facts),
    halting: records.filter(halts).map(({ spec }) => spec.hostname),
    supersededBy: rollout.status?.supersededBy,
  };
  const generation = rollout.metadata.generation ?? 0;
  return {
    transitions,
    status: {
      ...withoutBlocked(rollout.status),
      observedGeneration: generation,
      state: record.state,
      currentWave: record.currentWave,
      hosts,
      progress: progressOf(rollout, record.currentWave, hosts.converged),
      ...(blocked.length > 0 && { blocked }),
      openedAt: record.openedAt,
      ...(record.terminalAt !== undefined && { terminalAt: record.terminalAt }),
      ...(clearedAt !== undefined && { clearedAt }),
      conditions: withObservations(
        rollout.status?.conditions,
        rolloutObservations(standing),
        generation,
        now,
      ),
    },
  };
}

/** Whether people and machines wait for this change: a state, or the answer to a change of the spec. */
export function isUrgent(before: RolloutStatus | undefined, after: RolloutStatus): boolean {
  return (
    before === undefined ||
    before.state !== after.state ||
    before.clearedAt !== after.clearedAt ||
    before.observedGeneration !== after.observedGeneration
  );
}

function withoutBlocked(status: Partial<RolloutStatus> | undefined): Partial<RolloutStatus> {
  const { blocked: _blocked, ...kept } = status ?? {};
  return kept;
}

function isOver(state: RolloutStatus['state']): boolean {
  return state === 'Superseded' || state === 'Pruned';
}

function pausedBy({ rollout, fleetOnHold }: RolloutFacts): Standing['paused'] {
  if (rollout.spec.intent.hold === 'Pause') return 'RolloutPaused';
  return fleetOnHold ? 'FleetOnHold' : undefined;
}

function progressOf(rollout: Rollout, currentWave: number, converged: number): RolloutStatus['progress'] {
  const { waves, hostCount, channelRef } = rollout.spec;
  return {
    wave: `${Math.min(currentWave + 1, waves)}/${waves}`,
    converged: `${converged}/${hostCount}`,
    ref: shortRef(channelRef),
  };
}
