/** What a step of the host machine yields (state-machine.md §1, §5.8). */
import type { HostState, OnHealthFailure } from '../../api/wire/enums.ts';
import type { HostEffect } from './effects.ts';
import type { HostRecord } from './record.ts';

/** The one thing of a rollout policy that the host machine reads. */
export interface HostPolicy {
  readonly onHealthFailure: OnHealthFailure;
}

/** Why a host may not call itself converged. */
export type InvariantCode = 'closure_mismatch' | 'soak_not_elapsed' | 'enforce_probe_not_passing';

/** The event is not newer than the last accepted one. */
export interface SeqRegression {
  readonly kind: 'SeqRegression';
  readonly got: number;
  readonly last: number;
  readonly rolloutId: string;
  readonly hostname: string;
}

/** The state does not know this event; `event` is the family's name for it. */
export interface IllegalForState {
  readonly kind: 'IllegalForState';
  readonly from: HostState;
  readonly event: string;
  readonly rolloutId: string;
  readonly hostname: string;
}

/** The event is legal in this state, but what it claims does not hold. */
export interface InvariantViolation {
  readonly kind: 'Invariant';
  readonly code: InvariantCode;
}

/** Why an event was refused. The record is unchanged in every respect then. */
export type HostStepError = SeqRegression | IllegalForState | InvariantViolation;

/** An accepted event: the record after it, and what to do, in order. */
export interface HostStepAccepted {
  readonly ok: true;
  readonly next: HostRecord;
  readonly effects: readonly HostEffect[];
}

/** A refused event. */
export interface HostStepRefused {
  readonly ok: false;
  readonly error: HostStepError;
}

/** The outcome of one step. */
export type HostStepResult = HostStepAccepted | HostStepRefused;

/** An accepted event. */
export function accepted(next: HostRecord, effects: readonly HostEffect[]): HostStepAccepted {
  return { ok: true, next, effects };
}

/** A refused event. */
export function refused(error: HostStepError): HostStepRefused {
  return { ok: false, error };
}
