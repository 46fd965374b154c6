/** Records, events and objects for the host room's tests. */
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import type { HostState } from '../../../src/api/wire/enums.ts';
import type { AgentEvent, AgentEventKind } from '../../../src/api/wire/events.ts';
import type { FoldState, RecordExtras } from '../../../src/core/host/extras.ts';
import { newPending, type HostRecord } from '../../../src/core/host/record.ts';

export const target = 'clo-target';
export const prior = 'clo-prior';

/** A point in time, `minutes` after the rollout was opened. */
export function at(minutes: number): Timestamp {
  const time = parseTimestamp(new Date(Date.UTC(2026, 5, 1, 12) + minutes * 60_000).toISOString());
  if (time === undefined) throw new Error(`no time: ${minutes}`);
  return time;
}

/** A record in any state, its soak window ending at minute 10. */
export function record(state: HostState, changes: Partial<HostRecord> = {}): HostRecord {
  const soakDueAt = state === 'Pending' ? undefined : at(10);
  const pending = newPending({
    rolloutId: 'stable@ab12',
    hostname: 'web-01',
    channel: 'stable',
    targetClosure: target,
    dispatchedAt: at(0),
    soakDueAt,
  });
  return { ...pending, state, ...changes };
}

/** A record with the operator's own memory. */
export function foldState(
  state: HostState,
  changes: Partial<HostRecord> = {},
  extras: Partial<RecordExtras> = {},
): FoldState {
  return {
    record: record(state, changes),
    extras: { soakMinutes: 5, failingControls: new Map(), ...extras },
  };
}

/** A plausible event of each kind. */
export const samples: { readonly [Kind in AgentEventKind]: Extract<AgentEvent, { kind: Kind }> } = {
  DispatchAck: { kind: 'DispatchAck', currentClosureAtDispatch: target, receivedAt: at(1), seq: 1 },
  ActivationStarted: { kind: 'ActivationStarted', startedAt: at(2), switchMethod: 'systemd-run', seq: 1 },
  ActivationCompleted: {
    kind: 'ActivationCompleted',
    observedCurrentClosure: target,
    exitCode: 0,
    completedAt: at(3),
    seq: 1,
  },
  ActivationFailed: {
    kind: 'ActivationFailed',
    exitCode: 1,
    stderrTail: 'no space left',
    failedAt: at(3),
    seq: 1,
  },
  ActivationDeferred: { kind: 'ActivationDeferred', component: 'dbus', deferredAt: at(3), seq: 1 },
  ProbeTopologyDeclared: {
    kind: 'ProbeTopologyDeclared',
    probes: [{ probeName: 'http', kind: 'http', mode: 'enforce' }],
    declaredAt: at(4),
    seq: 1,
  },
  ProbeObservedFirst: {
    kind: 'ProbeObservedFirst',
    probeName: 'http',
    mode: 'enforce',
    observedAt: at(4),
    seq: 1,
  },
  ProbeResult: {
    kind: 'ProbeResult',
    probeName: 'http',
    mode: 'enforce',
    status: 'pass',
    observedAt: at(4),
    seq: 1,
  },
  ProbeFailureFirst: {
    kind: 'ProbeFailureFirst',
    probeName: 'http',
    mode: 'enforce',
    firstFailedAt: at(4),
    seq: 1,
  },
  Failed: {
    kind: 'Failed',
    failedAt: at(7),
    sustainedDurationSecs: 121,
    failingProbes: ['http'],
    policyApplied: 'rollback-and-halt',
    seq: 1,
  },
  RollbackComplete: {
    kind: 'RollbackComplete',
    revertedToClosure: prior,
    exitCode: 0,
    completedAt: at(8),
    seq: 1,
  },
  Converged: { kind: 'Converged', convergedAt: at(10), currentClosure: target, seq: 1 },
};

/** A failing or passing result of an enforced probe. */
export function probeResult(
  status: 'pass' | 'fail',
  changes: Partial<Extract<AgentEvent, { kind: 'ProbeResult' }>> = {},
): Extract<AgentEvent, { kind: 'ProbeResult' }> {
  return { ...samples.ProbeResult, status, ...changes };
}

/** A record's object. */
export function recordObject(status?: HostRolloutRecord['status']): HostRolloutRecord {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'HostRolloutRecord',
    metadata: { name: 'stable-ab12.web-01' },
    spec: {
      rolloutRef: 'stable-ab12',
      rolloutId: 'stable@ab12',
      attempt: 1,
      hostname: 'web-01',
      hostRef: 'web-01',
      channel: 'stable',
      ref: 'ab12',
      wave: 0,
      targetClosure: target,
      soakMinutes: 5,
      onHealthFailure: 'rollback-and-halt',
      firstSeq: 0,
      dispatchedAt: at(0),
    },
    ...(status !== undefined && { status }),
  };
}
