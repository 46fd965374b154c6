/** Pending: dispatched, not acknowledged (state-machine.md §5.2). */
import { announce, transition } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import type { HostRecord } from '../record.ts';
import { accepted, type HostStepResult } from '../result.ts';

/** One step from Pending; undefined where the event is illegal. */
export function stepPending(record: HostRecord, hostEvent: HostEvent): HostStepResult | undefined {
  const { event } = hostEvent;
  if (event.kind !== 'DispatchAck') return undefined;
  const next: HostRecord = {
    ...record,
    state: 'Activating',
    currentClosureAtDispatch: event.currentClosureAtDispatch,
    dispatchAckedAt: event.receivedAt,
    lastEventSeq: event.seq,
  };
  const moved = transition(record, 'Activating', event.receivedAt);
  const announced = announce(record, hostEvent, true);
  if (hostEvent.family === 'remote') return accepted(next, [announced, moved]);
  // The agent records the transition before it reports: here alone, and the order is part of the contract.
  return accepted(next, [
    moved,
    announced,
    { type: 'LocalFireSwitch', rolloutId: record.rolloutId, target: record.targetClosure },
  ]);
}
