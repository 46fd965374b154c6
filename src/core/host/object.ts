/** A record's object and what the core makes of it (kubernetes-api.md, HostRolloutRecord). */
import {
  HISTORY_MAX,
  type HostRolloutRecord,
  type HostRolloutRecordStatus,
  type InboxEntry,
  type ProbeEntry,
} from '../../api/kinds/host-rollout-record.ts';
import type { FoldState } from './extras.ts';
import type { FoldOutcome } from './inbox.ts';
import { newPending, type HostRecord, type ProbeRecord } from './record.ts';
import type { HostPolicy } from './result.ts';

/** The members that the object's status and the core's record share by name. */
type SharedMember =
  | 'currentClosureAtDispatch'
  | 'currentClosure'
  | 'revertedTo'
  | 'dispatchAckedAt'
  | 'activationStartedAt'
  | 'activationCompletedAt'
  | 'activationFailedAt'
  | 'probeObservedFirstAt'
  | 'probeFailureFirstAt'
  | 'soakDueAt'
  | 'convergedAt'
  | 'failedAt'
  | 'policyApplied'
  | 'revertedAt';

/** All of them, absent ones as well: a fold can take a value away. */
type Shared = { readonly [Name in SharedMember]?: HostRecord[Name] };

/**
 * The record of an object, its inbox left aside. An object without status is Pending; counting starts at the spec's
 * `firstSeq`.
 */
export function recordFromObject(object: HostRolloutRecord): FoldState {
  const { spec, status } = object;
  const probes = status?.probes ?? [];
  return {
    record: {
      ...newPending(spec),
      ...(status?.state && { state: status.state }),
      ...sharedOf(status),
      probes: new Map(probes.map((entry) => [entry.name, probeFromEntry(entry)])),
      lastEventSeq: Math.max(spec.firstSeq, status?.lastEventSeq ?? 0),
    },
    extras: {
      soakMinutes: spec.soakMinutes,
      closureBeforeDispatch: status?.closureBeforeDispatch,
      dispatch: status?.dispatch,
      lastReport: status?.lastReport,
      failingControls: new Map(
        probes.flatMap(({ name, failingControls }) =>
          failingControls === undefined ? [] : [[name, failingControls]],
        ),
      ),
    },
  };
}

/** What the rollout's policy says to do on a failure. */
export function policyFromObject(object: HostRolloutRecord): HostPolicy {
  return { onHealthFailure: object.spec.onHealthFailure };
}

/** What waits in the object's inbox. */
export function inboxFromObject(object: HostRolloutRecord): readonly InboxEntry[] {
  return object.status?.inbox ?? [];
}

/**
 * The status to PUT after a fold of `previous`' whole inbox: the inbox is gone, transitions and effects are appended,
 * gates hold nothing but Pending records. Members that the fold does not know are kept; absent ones are left out.
 */
export function statusFromRecord(
  previous: HostRolloutRecordStatus | undefined,
  outcome: FoldOutcome,
): HostRolloutRecordStatus {
  const { record, extras } = outcome.state;
  return withoutAbsent({
    ...previous,
    ...sharedOf(record),
    state: record.state,
    lastEventSeq: record.lastEventSeq,
    probes: nonEmpty(probeEntries(outcome.state)),
    closureBeforeDispatch: extras.closureBeforeDispatch,
    dispatch: extras.dispatch,
    lastReport: extras.lastReport,
    inbox: undefined,
    blockedBy: record.state === 'Pending' ? previous?.blockedBy : undefined,
    pendingEffects: nonEmpty([...(previous?.pendingEffects ?? []), ...outcome.pendingEffects]),
    history: nonEmpty([...(previous?.history ?? []), ...outcome.transitions].slice(-HISTORY_MAX)),
  });
}

function sharedOf(from: Shared | undefined): Shared {
  return {
    currentClosureAtDispatch: from?.currentClosureAtDispatch,
    currentClosure: from?.currentClosure,
    revertedTo: from?.revertedTo,
    dispatchAckedAt: from?.dispatchAckedAt,
    activationStartedAt: from?.activationStartedAt,
    activationCompletedAt: from?.activationCompletedAt,
    activationFailedAt: from?.activationFailedAt,
    probeObservedFirstAt: from?.probeObservedFirstAt,
    probeFailureFirstAt: from?.probeFailureFirstAt,
    soakDueAt: from?.soakDueAt,
    convergedAt: from?.convergedAt,
    failedAt: from?.failedAt,
    policyApplied: from?.policyApplied,
    revertedAt: from?.revertedAt,
  };
}

function probeFromEntry(entry: ProbeEntry): ProbeRecord {
  const { status, mode, lastObservedAt, lastPassAt, failureReason } = entry;
  return { status, mode, lastObservedAt, lastPassAt, failureReason };
}

function probeEntries({ record, extras }: FoldState): ProbeEntry[] {
  return [...record.probes].map(([name, probe]) => {
    const { status, mode, lastObservedAt, lastPassAt, failureReason } = probe;
    const failingControls = extras.failingControls.get(name);
    return {
      name,
      mode,
      status,
      lastObservedAt,
      ...(lastPassAt !== undefined && { lastPassAt }),
      ...(failureReason !== undefined && { failureReason }),
      ...(failingControls !== undefined && { failingControls: [...failingControls] }),
    };
  });
}

function withoutAbsent<Value extends object>(value: Value): Value {
  const present = { ...value };
  for (const [name, member] of Object.entries(present)) {
    if (member === undefined) Reflect.deleteProperty(present, name);
  }
  return present;
}

function nonEmpty<Item>(items: Item[]): Item[] | undefined {
  return items.length === 0 ? undefined : items;
}
