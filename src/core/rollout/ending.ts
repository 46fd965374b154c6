/** How a rollout is taken over, forgotten or cleared (state-machine.md §11). */
import type { RolloutState } from '../../api/wire/enums.ts';
import type { OperatorClearance, RetentionExpired, SuccessorOpened } from './events.ts';
import type { RolloutRecord } from './record.ts';
import { illegal, moved, unchanged, unimplemented, type RolloutStepResult } from './result.ts';

/** Another rollout has taken over: everything but a pruned rollout gives way, a terminal one too. */
export function successorOpened(record: RolloutRecord, event: SuccessorOpened): RolloutStepResult {
  if (record.state === 'Pruned') return illegal(record, event);
  return record.state === 'Superseded'
    ? unchanged(record)
    : moved(record, 'Superseded', event.at, { supersededAt: event.at });
}

/** Whether a rollout has come to an end, good or bad. */
export function hasEnded(state: RolloutState): boolean {
  return state === 'Terminal' || state === 'Reverted' || state === 'Failed' || state === 'Superseded';
}

/** Only what has ended can be forgotten. */
export function retentionExpired(record: RolloutRecord, event: RetentionExpired): RolloutStepResult {
  return hasEnded(record.state) ? moved(record, 'Pruned', event.at) : illegal(record, event);
}

/** Has a meaning where a rollout is halted, but none that was ever decided: D2 clears outside the reducer. */
export function operatorClearance(record: RolloutRecord, event: OperatorClearance): RolloutStepResult {
  return record.state === 'Reverted' || record.state === 'Failed'
    ? unimplemented(record, event)
    : illegal(record, event);
}
