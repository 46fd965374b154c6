import type { Timestamp } from '../../api/time.ts';
import { evaluateForDispatch } from './gates/evaluate.ts';
import { sortedByCodePoint } from './order.ts';
import { PlanIndex } from './plan-index.ts';
import type { FleetState, HostRow, PlanAction, PlannerManifests, Quarantines, RolloutRow } from './types.ts';

/**
 * What the v0.2 planner would do now: rollouts to open, then hosts to dispatch or to hold, by rollout id and host
 * (planner.md §10). It remembers nothing: an unacknowledged dispatch is planned again.
 */
export function planNext(
  manifests: PlannerManifests,
  fleetState: FleetState,
  quarantines: Quarantines,
  now: Timestamp,
): PlanAction[] {
  const index = new PlanIndex(manifests, fleetState, quarantines);
  const actions = openings(manifests, index);
  for (const rollout of sortedByCodePoint(fleetState.rollouts, (row) => row.rolloutId)) {
    if (rollout.terminalAt !== undefined) continue;
    const waiting = index.rowsOf(rollout.rolloutId).filter(isWaiting);
    for (const row of sortedByCodePoint(waiting, (waitingRow) => waitingRow.host)) {
      actions.push(dispatchOrDefer(index, rollout, row, now));
    }
  }
  return actions;
}

function openings(manifests: PlannerManifests, index: PlanIndex): PlanAction[] {
  const actions: PlanAction[] = [];
  for (const [channel, { channelRef: targetRef }] of sortedByCodePoint(
    [...manifests.rollouts],
    ([of]) => of,
  )) {
    const rolloutId = `${channel}@${targetRef}`;
    if (index.rollout(rolloutId) !== undefined) continue;
    actions.push({ type: 'OpenRollout', rolloutId, channel, targetRef });
  }
  return actions;
}

function isWaiting(row: HostRow): boolean {
  return row.state === 'Pending' && row.dispatchAckedAt === undefined;
}

function dispatchOrDefer(index: PlanIndex, rollout: RolloutRow, row: HostRow, now: Timestamp): PlanAction {
  const { rolloutId, channel } = rollout;
  const { host, targetClosure } = row;
  const block = evaluateForDispatch(index, { rollout: rolloutId, channel, host, targetClosure });
  if (block !== null) {
    return { type: 'DeferDispatch', rollout: rolloutId, host, gate: block.gate, reason: block.reason };
  }
  index.take(rolloutId, host);
  return {
    type: 'QueueDispatch',
    rollout: rolloutId,
    host,
    targetClosure,
    soakDueAt: row.soakDueAt ?? now,
  };
}
