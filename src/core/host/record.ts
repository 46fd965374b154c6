/** The record of one host in one rollout (state-machine.md §2). */
import type { HostState, OnHealthFailure, ProbeMode, ProbeStatus } from '../../api/wire/enums.ts';
import type { Timestamp } from '../../api/time.ts';

/** The last result of one probe. */
export interface ProbeRecord {
  readonly status: ProbeStatus;
  readonly mode: ProbeMode;
  readonly lastObservedAt: Timestamp;
  readonly lastPassAt?: Timestamp | undefined;
  readonly failureReason?: string | undefined;
}

/** Probes by name. A Map, because agents choose the names and `__proto__` is one. */
export type Probes = ReadonlyMap<string, ProbeRecord>;

/** The record of one host in one rollout. Absent and undefined mean the same. */
export interface HostRecord {
  /** `channel@ref`. */
  readonly rolloutId: string;
  readonly hostname: string;
  readonly channel: string;
  readonly state: HostState;
  /** Never changed by an event. */
  readonly targetClosure: string;
  /** What the agent says it ran when it took the dispatch; the target of a rollback order. */
  readonly currentClosureAtDispatch?: string | undefined;
  readonly currentClosure?: string | undefined;
  readonly revertedTo?: string | undefined;
  readonly dispatchedAt: Timestamp;
  readonly dispatchAckedAt?: Timestamp | undefined;
  readonly activationStartedAt?: Timestamp | undefined;
  readonly activationCompletedAt?: Timestamp | undefined;
  readonly activationFailedAt?: Timestamp | undefined;
  readonly probeObservedFirstAt?: Timestamp | undefined;
  /** Set once, never cleared. */
  readonly probeFailureFirstAt?: Timestamp | undefined;
  /** The end of the soak window; no event changes it. */
  readonly soakDueAt?: Timestamp | undefined;
  readonly convergedAt?: Timestamp | undefined;
  readonly failedAt?: Timestamp | undefined;
  readonly policyApplied?: OnHealthFailure | undefined;
  readonly revertedAt?: Timestamp | undefined;
  readonly probes: Probes;
  /** The sequence number of the last event that was accepted. */
  readonly lastEventSeq: number;
}

/** What a new record needs. */
export interface NewPending {
  readonly rolloutId: string;
  readonly hostname: string;
  readonly channel: string;
  readonly targetClosure: string;
  readonly dispatchedAt: Timestamp;
  readonly soakDueAt?: Timestamp | undefined;
  /** Where the counting of events goes on; 0 unless an earlier attempt has counted already (D16). */
  readonly firstSeq?: number | undefined;
}

/** No probes. */
export const noProbes: Probes = new Map();

/**
 * A record nobody has acknowledged yet. Every member is written, absent ones as undefined, so that all records have
 * one shape (the reducer's speed rests on it).
 */
export function newPending(from: NewPending): HostRecord {
  return {
    rolloutId: from.rolloutId,
    hostname: from.hostname,
    channel: from.channel,
    state: 'Pending',
    targetClosure: from.targetClosure,
    currentClosureAtDispatch: undefined,
    currentClosure: undefined,
    revertedTo: undefined,
    dispatchedAt: from.dispatchedAt,
    dispatchAckedAt: undefined,
    activationStartedAt: undefined,
    activationCompletedAt: undefined,
    activationFailedAt: undefined,
    probeObservedFirstAt: undefined,
    probeFailureFirstAt: undefined,
    soakDueAt: from.soakDueAt,
    convergedAt: undefined,
    failedAt: undefined,
    policyApplied: undefined,
    revertedAt: undefined,
    probes: noProbes,
    lastEventSeq: from.firstSeq ?? 0,
  };
}

/** Whether every probe that can hold a host back passes; true without probes. */
export function enforceProbesPass(probes: Probes): boolean {
  for (const probe of probes.values()) {
    if (probe.mode === 'enforce' && probe.status !== 'pass') return false;
  }
  return true;
}

/**
 * Whether a record takes part in recovery and snapshots (D14), provided that its rollout is neither superseded nor
 * pruned, which the record does not know.
 */
export function isActive(record: HostRecord): boolean {
  return record.state !== 'Converged' && record.state !== 'Reverted';
}
