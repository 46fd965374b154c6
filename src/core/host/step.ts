/** The host machine: one function for agent and control plane (state-machine.md §5). */
import type { Timestamp } from '../../api/time.ts';
import { eventName, type HostEvent } from './events.ts';
import type { HostRecord } from './record.ts';
import { refused, type HostPolicy, type HostStepResult } from './result.ts';
import { stepActivating } from './states/activating.ts';
import { stepDeferred } from './states/deferred.ts';
import { stepFailed } from './states/failed.ts';
import { stepPending } from './states/pending.ts';
import { stepSoaking } from './states/soaking.ts';

/**
 * Applies one event to a record. A sequence number that is not newer is refused before anything else is looked at.
 * `_now` is part of the contract and never read: every stamp comes from the event.
 */
export function step(
  record: HostRecord,
  hostEvent: HostEvent,
  _now: Timestamp,
  policy: HostPolicy,
): HostStepResult {
  const { seq } = hostEvent.event;
  if (seq <= record.lastEventSeq) {
    return refused({
      kind: 'SeqRegression',
      got: seq,
      last: record.lastEventSeq,
      rolloutId: record.rolloutId,
      hostname: record.hostname,
    });
  }
  return stepInState(record, hostEvent, policy) ?? illegal(record, hostEvent);
}

function stepInState(
  record: HostRecord,
  hostEvent: HostEvent,
  policy: HostPolicy,
): HostStepResult | undefined {
  switch (record.state) {
    case 'Pending':
      return stepPending(record, hostEvent);
    case 'Activating':
      return stepActivating(record, hostEvent, policy);
    case 'Deferred':
      return stepDeferred(record, hostEvent);
    case 'Soaking':
      return stepSoaking(record, hostEvent);
    case 'Failed':
      return stepFailed(record, hostEvent);
    case 'Converged':
    case 'Reverted':
      return undefined;
  }
}

function illegal(record: HostRecord, hostEvent: HostEvent): HostStepResult {
  return refused({
    kind: 'IllegalForState',
    from: record.state,
    event: eventName(hostEvent),
    rolloutId: record.rolloutId,
    hostname: record.hostname,
  });
}
