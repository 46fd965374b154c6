/** The rollout machine (state-machine.md §11). */
import type { Timestamp } from '../../api/time.ts';
import { operatorClearance, retentionExpired, successorOpened } from './ending.ts';
import type { RolloutEvent } from './events.ts';
import { hostJoined, hostStateChanged, rolloutTerminal } from './hosts.ts';
import type { RolloutRecord } from './record.ts';
import { illegal, type RolloutStepResult } from './result.ts';
import { waveAdvanced } from './waves.ts';

/**
 * Applies one event to a rollout. The event's ids are never compared with the record's, and `_now` is never read:
 * every stamp comes from the event.
 */
export function stepRollout(record: RolloutRecord, event: RolloutEvent, _now: Timestamp): RolloutStepResult {
  switch (event.type) {
    case 'RolloutOpened':
      return illegal(record, event);
    case 'HostJoined':
      return hostJoined(record, event);
    case 'HostStateChanged':
      return hostStateChanged(record, event);
    case 'WaveAdvanced':
      return waveAdvanced(record, event);
    case 'RolloutTerminal':
      return rolloutTerminal(record, event);
    case 'SuccessorOpened':
      return successorOpened(record, event);
    case 'RetentionExpired':
      return retentionExpired(record, event);
    case 'OperatorClearance':
      return operatorClearance(record, event);
  }
}

/** Whether a rollout no longer stands in the way of others: Terminal or Superseded, not Failed, Reverted or Pruned. */
export function isTerminalForOrdering(record: RolloutRecord): boolean {
  return record.state === 'Terminal' || record.state === 'Superseded';
}
