/** Deferred: everything is set but the live switch; waits for a reboot (state-machine.md §5.4). */
import { announce, transition } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import type { HostRecord } from '../record.ts';
import { accepted, type HostStepResult } from '../result.ts';
import { completeActivation, withFailedActivation } from './activation.ts';

/**
 * One step from Deferred; undefined where the event is illegal. A failure here neither stamps a policy nor orders a
 * rollback, whatever the policy.
 */
export function stepDeferred(record: HostRecord, hostEvent: HostEvent): HostStepResult | undefined {
  const { event } = hostEvent;
  if (event.kind === 'ActivationCompleted') return completeActivation(record, hostEvent, event);
  if (event.kind !== 'ActivationFailed') return undefined;
  return accepted(withFailedActivation(record, event), [
    announce(record, hostEvent, true),
    transition(record, 'Failed', event.failedAt),
  ]);
}
