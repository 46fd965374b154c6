/** Failed: the activation failed, or probes did for too long (state-machine.md §5.7). */
import { announce, transition, type HostEffect } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import type { HostRecord } from '../record.ts';
import { accepted, type HostStepResult } from '../result.ts';

/**
 * One step from Failed; undefined where the event is illegal. A rollback is accepted whatever the policy, and on the
 * control plane it quarantines the target.
 */
export function stepFailed(record: HostRecord, hostEvent: HostEvent): HostStepResult | undefined {
  const { event } = hostEvent;
  if (event.kind !== 'RollbackComplete') return undefined;
  const next: HostRecord = {
    ...record,
    state: 'Reverted',
    currentClosure: event.revertedToClosure,
    revertedTo: event.revertedToClosure,
    revertedAt: event.completedAt,
    lastEventSeq: event.seq,
  };
  const quarantine: HostEffect[] =
    hostEvent.family === 'remote'
      ? [{ type: 'RemoteInsertQuarantine', channel: record.channel, closure: record.targetClosure }]
      : [];
  return accepted(next, [
    announce(record, hostEvent, true),
    ...quarantine,
    transition(record, 'Reverted', event.completedAt),
  ]);
}
