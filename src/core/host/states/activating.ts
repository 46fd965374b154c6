/** Activating: acknowledged, the switch runs or ran and is not confirmed (state-machine.md §5.3). */
import type { AgentEventOf } from '../../../api/wire/events.ts';
import { announce, transition } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import type { HostRecord } from '../record.ts';
import { accepted, type HostPolicy, type HostStepResult } from '../result.ts';
import { completeActivation, withFailedActivation } from './activation.ts';
import { rollbackOrders } from './rollback.ts';

/** One step from Activating; undefined where the event is illegal. */
export function stepActivating(
  record: HostRecord,
  hostEvent: HostEvent,
  policy: HostPolicy,
): HostStepResult | undefined {
  const { event } = hostEvent;
  switch (event.kind) {
    case 'ActivationStarted':
      return accepted({ ...record, activationStartedAt: event.startedAt, lastEventSeq: event.seq }, [
        announce(record, hostEvent, true),
      ]);
    case 'ActivationCompleted':
      return completeActivation(record, hostEvent, event);
    case 'ActivationDeferred':
      return accepted({ ...record, state: 'Deferred', lastEventSeq: event.seq }, [
        announce(record, hostEvent, true),
        transition(record, 'Deferred', event.deferredAt),
      ]);
    case 'ActivationFailed':
      return failActivation(record, hostEvent, event, policy);
    default:
      return undefined;
  }
}

function failActivation(
  record: HostRecord,
  hostEvent: HostEvent,
  event: AgentEventOf<'ActivationFailed'>,
  policy: HostPolicy,
): HostStepResult {
  const next = { ...withFailedActivation(record, event), policyApplied: policy.onHealthFailure };
  return accepted(next, [
    announce(record, hostEvent, true),
    transition(record, 'Failed', event.failedAt),
    ...rollbackOrders(record, hostEvent.family, policy.onHealthFailure),
  ]);
}
