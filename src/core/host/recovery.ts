/**
 * What a heartbeat proves about a record whose events got lost (state-machine.md §9.4, amended by D3, D11 and D20).
 * Recovery makes up the events that the agent would have sent and runs them through the same machine.
 */
import { laterOf, type Timestamp } from '../../api/time.ts';
import type { AgentEvent } from '../../api/wire/events.ts';
import type { FoldState, RecordExtras, Report } from './extras.ts';
import type { HostRecord } from './record.ts';

/** What the leader knows when it decides a Pending record's recovery. */
export interface PendingRecovery {
  /** Stop at Soaking: an earlier record of the host has the same target and is not Converged (D20). */
  readonly stopAtSoaking: boolean;
  /** The soakDueAt with which the record leaves Pending. */
  readonly soakDueAt: Timestamp;
}

/**
 * Whether a heartbeat with this closure could complete a recovery, so that it has to reach the record's inbox
 * (architecture.md §1, rule 6). False for a Pending record that has heard the same closure before: the leader goes by
 * `lastReport` then.
 */
export function recoveryApplies(state: FoldState, closure: string): boolean {
  const { record, extras } = state;
  if (record.state === 'Pending' && extras.lastReport?.closure === closure) return false;
  return proves(record, extras, closure);
}

/**
 * The events that `report` proves, numbered from the record's last one; empty where it proves nothing. Without
 * `pending` the Pending rule is not applied: only the leader may, and only when no gate blocks.
 */
export function recoveryEvents(
  state: FoldState,
  report: Report,
  pending: PendingRecovery | undefined,
): readonly AgentEvent[] {
  const { record, extras } = state;
  if (!proves(record, extras, report.closure)) return [];
  const events = provenEvents(record, report, pending);
  const exhausted = record.lastEventSeq + events.length > Number.MAX_SAFE_INTEGER;
  return exhausted ? [] : events;
}

function provenEvents(
  record: HostRecord,
  { closure, at }: Report,
  pending: PendingRecovery | undefined,
): readonly AgentEvent[] {
  const seq = record.lastEventSeq + 1;
  const completed = { observedCurrentClosure: closure, exitCode: 0, completedAt: at };
  if (record.state === 'Failed') {
    return [{ kind: 'RollbackComplete', revertedToClosure: closure, exitCode: 0, completedAt: at, seq }];
  }
  if (record.state !== 'Pending') return [{ kind: 'ActivationCompleted', ...completed, seq }];
  if (pending === undefined) return [];
  const chain: AgentEvent[] = [
    { kind: 'DispatchAck', currentClosureAtDispatch: '', receivedAt: at, seq },
    { kind: 'ActivationCompleted', ...completed, seq: seq + 1 },
  ];
  if (pending.stopAtSoaking) return chain;
  const convergedAt = laterOf(at, pending.soakDueAt);
  return [...chain, { kind: 'Converged', convergedAt, currentClosure: closure, seq: seq + 2 }];
}

function proves(record: HostRecord, extras: RecordExtras, closure: string): boolean {
  switch (record.state) {
    case 'Pending':
    case 'Activating':
    case 'Deferred':
      return closure === record.targetClosure;
    case 'Failed':
      return provesRollback(record, extras, closure);
    case 'Soaking':
    case 'Converged':
    case 'Reverted':
      return false;
  }
}

/**
 * D11: real agents name the target as what they ran at dispatch, so that closure proves nothing, and under `halt`
 * nobody rolls back. The empty closure is what recovery itself writes into an acknowledgement it makes up. That the
 * report is younger than the failure follows from the inbox's order.
 */
function provesRollback(record: HostRecord, extras: RecordExtras, closure: string): boolean {
  if (record.policyApplied !== 'rollback-and-halt' || closure === record.targetClosure) return false;
  if (closure === '') return false;
  return closure === extras.closureBeforeDispatch || closure === record.currentClosureAtDispatch;
}
