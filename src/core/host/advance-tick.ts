/** What an agent concludes from its own record as time passes (state-machine.md §9.3). */
import { compareTimestamps, wholeSecondsBetween, type Timestamp } from '../../api/time.ts';
import type { AgentEvent } from '../../api/wire/events.ts';
import { enforceProbesPass, type HostRecord } from './record.ts';
import type { HostPolicy } from './result.ts';

/** How long enforce probes may fail before a host counts as failed, in seconds since the first failure ever seen. */
export const sustainedFailureSeconds = 120;

/**
 * The event that is due for a record at `now`, with seq 0 (the agent's runtime numbers it), or nothing. Without a
 * cached policy a failure is reported under `halt`.
 */
export function advanceTick(
  record: HostRecord,
  now: Timestamp,
  policy: HostPolicy | undefined,
): AgentEvent | undefined {
  if (record.state !== 'Soaking') return undefined;
  return sustainedFailure(record, now, policy) ?? convergence(record, now);
}

function sustainedFailure(
  record: HostRecord,
  now: Timestamp,
  policy: HostPolicy | undefined,
): AgentEvent | undefined {
  if (record.probeFailureFirstAt === undefined) return undefined;
  const sustainedDurationSecs = wholeSecondsBetween(record.probeFailureFirstAt, now);
  if (sustainedDurationSecs < sustainedFailureSeconds) return undefined;
  const failingProbes = [...record.probes]
    .filter(([, probe]) => probe.mode === 'enforce' && probe.status === 'fail')
    .map(([name]) => name)
    .toSorted();
  if (failingProbes.length === 0) return undefined;
  const policyApplied = policy?.onHealthFailure ?? 'halt';
  return { kind: 'Failed', failedAt: now, sustainedDurationSecs, failingProbes, policyApplied, seq: 0 };
}

function convergence(record: HostRecord, now: Timestamp): AgentEvent | undefined {
  const { currentClosure, soakDueAt, targetClosure, probes } = record;
  if (soakDueAt === undefined || compareTimestamps(now, soakDueAt) < 0) return undefined;
  if (currentClosure !== targetClosure || !enforceProbesPass(probes)) return undefined;
  return { kind: 'Converged', convergedAt: now, currentClosure, seq: 0 };
}
