/** The record as control plane and agent exchange it (state-machine.md §8). */
import type { HostRolloutSnapshot } from '../../api/wire/snapshot.ts';
import { isActive, newPending, noProbes, type HostRecord } from './record.ts';

/** What the wire carries of a record; absent members are omitted. */
export function toSnapshot(record: HostRecord): HostRolloutSnapshot {
  const snapshot: HostRolloutSnapshot = {
    rolloutId: record.rolloutId,
    hostname: record.hostname,
    channel: record.channel,
    state: record.state,
    targetClosure: record.targetClosure,
    dispatchedAt: record.dispatchedAt,
    lastEventSeq: record.lastEventSeq,
  };
  for (const name of optionalMembers) {
    const value = record[name];
    if (value !== undefined) Object.assign(snapshot, { [name]: value });
  }
  return snapshot;
}

const optionalMembers = [
  'currentClosureAtDispatch',
  'currentClosure',
  'dispatchAckedAt',
  'activationStartedAt',
  'activationCompletedAt',
  'soakDueAt',
] as const;

/**
 * An agent's record after a snapshot: what the snapshot carries is taken over, even where that removes a value or
 * moves the record back; what it cannot carry is kept from `existing`.
 */
export function mergeSnapshot(existing: HostRecord | undefined, snapshot: HostRolloutSnapshot): HostRecord {
  return {
    ...newPending(snapshot),
    state: snapshot.state,
    currentClosureAtDispatch: snapshot.currentClosureAtDispatch,
    currentClosure: snapshot.currentClosure,
    dispatchAckedAt: snapshot.dispatchAckedAt,
    activationStartedAt: snapshot.activationStartedAt,
    activationCompletedAt: snapshot.activationCompletedAt,
    lastEventSeq: snapshot.lastEventSeq,
    probes: existing?.probes ?? noProbes,
    probeObservedFirstAt: existing?.probeObservedFirstAt,
    probeFailureFirstAt: existing?.probeFailureFirstAt,
    activationFailedAt: existing?.activationFailedAt,
    failedAt: existing?.failedAt,
    convergedAt: existing?.convergedAt,
    revertedTo: existing?.revertedTo,
    revertedAt: existing?.revertedAt,
    policyApplied: existing?.policyApplied,
  };
}

/**
 * Whether a heartbeat's answer carries this record. A Pending record whose target the host already runs waits for its
 * recovery instead: a snapshot would move the host back (D11).
 */
export function isReplayed(record: HostRecord, hostClosure: string | undefined): boolean {
  return isActive(record) && !(record.state === 'Pending' && record.targetClosure === hostClosure);
}
