/** Soaking: the switch is done, probes run, the soak window is open (state-machine.md §5.5, §5.6). */
import { compareTimestamps } from '../../../api/time.ts';
import type { AgentEventOf } from '../../../api/wire/events.ts';
import { announce, transition } from '../effects.ts';
import type { HostEvent } from '../events.ts';
import { enforceProbesPass, type HostRecord, type Probes } from '../record.ts';
import { accepted, refused, type HostStepResult, type InvariantCode } from '../result.ts';
import { rollbackOrders } from './rollback.ts';

/** One step from Soaking; undefined where the event is illegal. */
export function stepSoaking(record: HostRecord, hostEvent: HostEvent): HostStepResult | undefined {
  const { event } = hostEvent;
  const { seq: lastEventSeq } = event;
  switch (event.kind) {
    case 'ProbeTopologyDeclared':
      return accepted({ ...record, lastEventSeq }, [announce(record, hostEvent, true)]);
    case 'ProbeObservedFirst': {
      const probeObservedFirstAt = record.probeObservedFirstAt ?? event.observedAt;
      return accepted({ ...record, probeObservedFirstAt, lastEventSeq }, [
        announce(record, hostEvent, false),
      ]);
    }
    case 'ProbeResult': {
      const probes = withProbeResult(record.probes, event);
      return accepted({ ...record, probes, lastEventSeq }, [announce(record, hostEvent, false)]);
    }
    case 'ProbeFailureFirst': {
      const probeFailureFirstAt = record.probeFailureFirstAt ?? event.firstFailedAt;
      return accepted({ ...record, probeFailureFirstAt, lastEventSeq }, [announce(record, hostEvent, false)]);
    }
    case 'Failed':
      return failProbes(record, hostEvent, event);
    case 'Converged':
      return converge(record, hostEvent, event);
    default:
      return undefined;
  }
}

/** The last result wins, however old the observation. A pass forgets the reason; a failure keeps the last pass. */
function withProbeResult(probes: Probes, event: AgentEventOf<'ProbeResult'>): Probes {
  const passed = event.status === 'pass';
  const next = new Map(probes);
  next.set(event.probeName, {
    status: event.status,
    mode: event.mode,
    lastObservedAt: event.observedAt,
    lastPassAt: passed ? event.observedAt : probes.get(event.probeName)?.lastPassAt,
    failureReason: passed ? undefined : event.failureReason,
  });
  return next;
}

/** The agent's word is trusted: neither its threshold nor its policy is compared with ours. */
function failProbes(record: HostRecord, hostEvent: HostEvent, event: AgentEventOf<'Failed'>): HostStepResult {
  const next: HostRecord = {
    ...record,
    state: 'Failed',
    failedAt: event.failedAt,
    policyApplied: event.policyApplied,
    lastEventSeq: event.seq,
  };
  return accepted(next, [
    announce(record, hostEvent, true),
    transition(record, 'Failed', event.failedAt),
    ...rollbackOrders(record, hostEvent.family, event.policyApplied),
  ]);
}

function converge(
  record: HostRecord,
  hostEvent: HostEvent,
  event: AgentEventOf<'Converged'>,
): HostStepResult {
  const code = notConverged(record, event);
  if (code !== undefined) return refused({ kind: 'Invariant', code });
  const next: HostRecord = {
    ...record,
    state: 'Converged',
    convergedAt: event.convergedAt,
    currentClosure: event.currentClosure,
    lastEventSeq: event.seq,
  };
  return accepted(next, [
    announce(record, hostEvent, true),
    transition(record, 'Converged', event.convergedAt),
  ]);
}

function notConverged(record: HostRecord, event: AgentEventOf<'Converged'>): InvariantCode | undefined {
  if (event.currentClosure !== record.targetClosure) return 'closure_mismatch';
  const { soakDueAt } = record;
  if (soakDueAt !== undefined && compareTimestamps(event.convergedAt, soakDueAt) < 0) {
    return 'soak_not_elapsed';
  }
  return enforceProbesPass(record.probes) ? undefined : 'enforce_probe_not_passing';
}
