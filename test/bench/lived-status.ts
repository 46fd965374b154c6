import type { Host, HostStatus } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord, HostRolloutRecordStatus } from '../../src/api/kinds/host-rollout-record.ts';
import { addMillis, type Timestamp } from '../../src/api/time.ts';
import { foldInbox } from '../../src/core/host/inbox.ts';
import { eventEntry } from '../../src/core/host/inbox-entry.ts';
import { policyFromObject, recordFromObject, statusFromRecord } from '../../src/core/host/object.ts';
import type { StoredEvent } from '../../src/core/host/reduce-event.ts';
import { judgeHost } from '../../src/core/host/verdict.ts';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';

const SECOND = 1_000;
const DAY_MS = 86_400_000;
const PROBES = ['nginx', 'disk', 'compliance'];
const PRIOR = `${'0'.repeat(32)}-nixos-system-prior`;

/** The status of a record whose host went all the way to Converged, as the operator's own fold writes it. */
export function convergedStatus(record: HostRolloutRecord): HostRolloutRecordStatus {
  const queuedAt = addMillis(record.spec.dispatchedAt, SECOND);
  const marked: HostRolloutRecordStatus = {
    state: 'Pending',
    lastEventSeq: 0,
    closureBeforeDispatch: PRIOR,
    dispatch: { queuedAt, term: 1, deliveredAt: queuedAt, lastDeliveredAt: queuedAt },
  };
  const events = happyPath(record.spec.targetClosure, queuedAt);
  const outcome = foldInbox(
    recordFromObject({ ...record, status: marked }),
    events.map((event) => eventEntry(event, queuedAt)),
    { now: queuedAt, policy: policyFromObject(record) },
  );
  const status = statusFromRecord(marked, outcome);
  if (status.state !== 'Converged') throw new Error(`the happy path ends ${status.state}`);
  return status;
}

function happyPath(closure: string, from: Timestamp): StoredEvent[] {
  const at = (seconds: number): Timestamp => addMillis(from, seconds * SECOND);
  const mode = 'enforce';
  let seq = 0;
  const next = (): number => ++seq;
  return [
    { kind: 'DispatchAck', currentClosureAtDispatch: closure, receivedAt: at(1), seq: next() },
    { kind: 'ActivationStarted', startedAt: at(2), switchMethod: 'switch-to-configuration', seq: next() },
    {
      kind: 'ActivationCompleted',
      observedCurrentClosure: closure,
      exitCode: 0,
      completedAt: at(30),
      seq: next(),
    },
    {
      kind: 'ProbeTopologyDeclared',
      probes: PROBES.map((probeName) => ({ probeName, kind: 'exec', mode })),
      declaredAt: at(31),
      seq: next(),
    },
    ...PROBES.flatMap((probeName): StoredEvent[] => [
      { kind: 'ProbeObservedFirst', probeName, mode, observedAt: at(32), seq: next() },
      { kind: 'ProbeResult', probeName, mode, status: 'pass', observedAt: at(32), seq: next() },
    ]),
    { kind: 'Converged', convergedAt: at(60), currentClosure: closure, seq: next() },
  ];
}

/**
 * The status of a host that has reported for a day and just now again, verdicts included, so that neither webhook nor
 * leader has anything to add. It runs what it converged on last; `records` are its own, oldest first.
 */
export function hostStatus(host: Host, records: readonly HostRolloutRecord[], now: Timestamp): HostStatus {
  const converged = records.filter(({ status }) => status?.state === 'Converged').at(-1);
  const yesterday = addMillis(now, -DAY_MS);
  const facts: HostStatus = {
    closure: converged?.spec.targetClosure ?? PRIOR,
    closureSince: yesterday,
    firstSeenTime: yesterday,
    settledTime: yesterday,
    lastSeenTime: now,
    certificate: {
      notBefore: yesterday,
      notAfter: addMillis(now, 30 * DAY_MS),
      fingerprint: sha256Hex(host.spec.hostname),
    },
  };
  const rules = { now, offlineAfterMs: DAY_MS, ledForMs: DAY_MS };
  return judgeHost({ ...host, status: facts }, records, rules).status;
}
