/** One event through the machine, with everything the operator keeps beside it. */
import type { Timestamp } from '../../api/time.ts';
import type { HostEffect } from './effects.ts';
import type { FoldState, RecordExtras } from './extras.ts';
import { failingControlsOf, type StoredEvent } from './reduce-event.ts';
import type { HostRecord } from './record.ts';
import type { HostPolicy, HostStepError } from './result.ts';
import { step } from './step.ts';

/** What an event needs besides the record. */
export interface EventContext {
  readonly now: Timestamp;
  readonly policy: HostPolicy;
  /** The soakDueAt with which the record leaves Pending, should this event make it. */
  readonly soakDueAt: Timestamp;
}

/** An event's outcome; a refusal leaves everything as it was. */
export type Applied =
  | { readonly ok: true; readonly state: FoldState; readonly effects: readonly HostEffect[] }
  | { readonly ok: false; readonly error: HostStepError };

/**
 * Steps the record by a reduced event of the host. Leaving Pending freezes soakDueAt (D3) and removes the mark; failing
 * controls follow the probes.
 */
export function applyEvent(state: FoldState, event: StoredEvent, context: EventContext): Applied {
  const { record, extras } = state;
  const before = record.state === 'Pending' ? { ...record, soakDueAt: context.soakDueAt } : record;
  const result = step(before, { family: 'remote', event }, context.now, context.policy);
  if (!result.ok) return result;
  return {
    ok: true,
    state: { record: result.next, extras: extrasAfter(extras, event, result.next) },
    effects: result.effects,
  };
}

function extrasAfter(extras: RecordExtras, event: StoredEvent, next: HostRecord): RecordExtras {
  const failingControls = failingControlsAfter(extras.failingControls, event, next);
  // No event leaves a record Pending.
  return { ...extras, failingControls, dispatch: undefined };
}

function failingControlsAfter(
  before: RecordExtras['failingControls'],
  event: StoredEvent,
  next: HostRecord,
): RecordExtras['failingControls'] {
  if (next.probes.size === 0) return new Map();
  if (event.kind !== 'ProbeResult') return before;
  const controls = failingControlsOf(event);
  const after = new Map(before);
  if (controls === undefined) after.delete(event.probeName);
  else after.set(event.probeName, controls);
  return after;
}
