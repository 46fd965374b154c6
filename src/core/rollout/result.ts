/** What a step of the rollout machine yields (state-machine.md §10, §11). */
import type { RolloutState } from '../../api/wire/enums.ts';
import type { Timestamp } from '../../api/time.ts';
import type { RolloutEvent } from './events.ts';
import type { RolloutRecord } from './record.ts';

/** The rollout's state has changed. */
export interface RecordRolloutTransition {
  readonly type: 'RecordRolloutTransition';
  readonly rolloutId: string;
  readonly from: RolloutState;
  readonly to: RolloutState;
  readonly at: Timestamp;
}

/** The wave cursor has moved up. */
export interface UpdateCurrentWave {
  readonly type: 'UpdateCurrentWave';
  readonly rolloutId: string;
  readonly wave: number;
}

/** Everything the rollout machine can ask for. */
export type RolloutEffect = RecordRolloutTransition | UpdateCurrentWave;

/** The state does not know this event. */
export interface RolloutIllegalForState {
  readonly kind: 'IllegalForState';
  readonly from: RolloutState;
  readonly event: RolloutEvent['type'];
  readonly rolloutId: string;
}

/** The event would be legal, but what it shall do was never decided. */
export interface RolloutUnimplemented {
  readonly kind: 'Unimplemented';
  readonly from: RolloutState;
  readonly event: RolloutEvent['type'];
}

/** Why an event was refused. The record is unchanged then. */
export type RolloutStepError = RolloutIllegalForState | RolloutUnimplemented;

/** An accepted event: the record after it, and what to do, in order. */
export interface RolloutStepAccepted {
  readonly ok: true;
  readonly next: RolloutRecord;
  readonly effects: readonly RolloutEffect[];
}

/** A refused event. */
export interface RolloutStepRefused {
  readonly ok: false;
  readonly error: RolloutStepError;
}

/** The outcome of one step. */
export type RolloutStepResult = RolloutStepAccepted | RolloutStepRefused;

/** Success without any consequence. */
export function unchanged(record: RolloutRecord): RolloutStepResult {
  return { ok: true, next: record, effects: [] };
}

/** A change of state, with what it stamps. */
export function moved(
  record: RolloutRecord,
  to: RolloutState,
  at: Timestamp,
  stamps: Partial<RolloutRecord> = {},
): RolloutStepAccepted {
  return {
    ok: true,
    next: { ...record, ...stamps, state: to },
    effects: [{ type: 'RecordRolloutTransition', rolloutId: record.rolloutId, from: record.state, to, at }],
  };
}

/** The state does not know this event. */
export function illegal(record: RolloutRecord, event: RolloutEvent): RolloutStepRefused {
  return {
    ok: false,
    error: {
      kind: 'IllegalForState',
      from: record.state,
      event: event.type,
      rolloutId: record.rolloutId,
    },
  };
}

/** Nobody has decided what this event shall do here. */
export function unimplemented(record: RolloutRecord, event: RolloutEvent): RolloutStepRefused {
  return { ok: false, error: { kind: 'Unimplemented', from: record.state, event: event.type } };
}
