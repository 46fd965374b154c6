/** What Activating and Deferred have in common (state-machine.md §5.3, §5.4). */
import type { AgentEventOf } from '../../../api/wire/events.ts';
import { announce, resetProbeCache, transition } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import { noProbes, type HostRecord } from '../record.ts';
import { accepted, type HostStepResult } from '../result.ts';

/** The switch is done: probes start afresh. Neither the closure nor the exit code is compared with anything. */
export function completeActivation(
  record: HostRecord,
  hostEvent: HostEvent,
  event: AgentEventOf<'ActivationCompleted'>,
): HostStepResult {
  const next: HostRecord = {
    ...record,
    state: 'Soaking',
    currentClosure: event.observedCurrentClosure,
    activationCompletedAt: event.completedAt,
    probes: noProbes,
    lastEventSeq: event.seq,
  };
  const announced = announce(record, hostEvent, true);
  const moved = transition(record, 'Soaking', event.completedAt);
  return accepted(
    next,
    hostEvent.family === 'local' ? [resetProbeCache(record), announced, moved] : [announced, moved],
  );
}

/** The record after a failed switch; the policy is stamped by whoever knows one. */
export function withFailedActivation(
  record: HostRecord,
  event: AgentEventOf<'ActivationFailed'>,
): HostRecord {
  return {
    ...record,
    state: 'Failed',
    activationFailedAt: event.failedAt,
    failedAt: event.failedAt,
    lastEventSeq: event.seq,
  };
}
