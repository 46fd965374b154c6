import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import { millisBetween, type Timestamp } from '../api/time.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../api/wire/heartbeat.ts';
import type { HostRolloutSnapshot } from '../api/wire/snapshot.ts';
import { fitsInbox, heartbeatEntry } from '../core/host/inbox-entry.ts';
import { soakEnd } from '../core/host/extras.ts';
import { inboxFromObject } from '../core/host/object.ts';
import type { HostRecord } from '../core/host/record.ts';
import { recoveryApplies } from '../core/host/recovery.ts';
import { isReplayed, toSnapshot } from '../core/host/snapshot.ts';
import { hasToBeTold } from '../core/host/told.ts';
import { promisedByOthers } from './decide-attempt.ts';
import { isStorableClosure } from './decide-host-facts.ts';
import { foldObject, withEntry } from './fold-object.ts';

/** What decides over the answer to a heartbeat besides the records. */
export interface HeartbeatContext {
  /** The operator's clock. */
  readonly now: Timestamp;
  /** Other attempts of the records' ids: what they promised, no snapshot may fall short of. */
  readonly otherAttempts?: readonly HostRolloutRecord[];
  /** Milliseconds in which the acknowledgement of a first delivery is awaited. */
  readonly redeliverAfterMs: number;
  /** Milliseconds without another heartbeat after which an answer has surely arrived. */
  readonly toldAfterMs: number;
}

/** What a heartbeat leads to: `answer` counts once every one of `writes` is stored. */
export interface HeartbeatDecision {
  readonly answer: HeartbeatResponse;
  /** Records with a Heartbeat entry appended, to be PUT. */
  readonly writes: readonly HostRolloutRecord[];
}

/**
 * Decides over a heartbeat on live records of the host, all of rollouts that are not superseded (architecture.md §1,
 * Events 6 and 7). Snapshots show records as they will stand after their inbox is folded, so that none promises less
 * than an event that was answered before.
 */
export function decideHeartbeat(
  records: readonly HostRolloutRecord[],
  heartbeat: HeartbeatRequest,
  context: HeartbeatContext,
): HeartbeatDecision {
  const writes: HostRolloutRecord[] = [];
  const snapshots: HostRolloutSnapshot[] = [];
  for (const record of records) {
    const outcome = decideRecord(record, heartbeat, context);
    if (outcome.write !== undefined) writes.push(outcome.write);
    if (outcome.snapshot !== undefined) snapshots.push(outcome.snapshot);
  }
  const replays = heartbeat.rollout_id === undefined && snapshots.length > 0;
  return {
    answer: { received_at: heartbeat.at, ...(replays && { bootstrap_rollouts: snapshots }) },
    writes,
  };
}

/**
 * The value of `X-Nixfleet-Replay-From`: the record's last sequence number where the host named the rollout and a
 * closure that is not the record's, else undefined (agent-protocol.md §1.3).
 */
export function decideReplayFrom(
  record: HostRolloutRecord | undefined,
  heartbeat: HeartbeatRequest,
  now: Timestamp,
): number | undefined {
  const { current_closure: closure, rollout_id: rolloutId } = heartbeat;
  if (record === undefined || rolloutId === undefined || closure === undefined) return undefined;
  const folded = foldObject(record, now).record;
  return folded.currentClosure === closure ? undefined : folded.lastEventSeq;
}

interface RecordOutcome {
  readonly write?: HostRolloutRecord;
  readonly snapshot?: HostRolloutSnapshot;
}

function decideRecord(
  object: HostRolloutRecord,
  heartbeat: HeartbeatRequest,
  context: HeartbeatContext,
): RecordOutcome {
  const { now, toldAfterMs } = context;
  const closure = heartbeat.current_closure;
  const before = foldObject(object, now);
  const stored = isStorableClosure(closure) ? closure : '';
  if (!recoveryApplies(before, stored) && !hasToBeTold(before, stored, now, toldAfterMs)) {
    return replayOf(object, before.record, closure, context);
  }
  const entry = heartbeatEntry(stored, heartbeat.at, now);
  // A full inbox is folded soon and the host speaks again in a minute; what it would be told now is out of date.
  if (!fitsInbox(inboxFromObject(object), entry)) return {};
  const write = withEntry(object, entry);
  return { write, ...replayOf(write, foldObject(write, now).record, closure, context) };
}

function replayOf(
  object: HostRolloutRecord,
  record: HostRecord,
  closure: string | undefined,
  context: HeartbeatContext,
): RecordOutcome {
  if (!isReplayed(record, closure) || awaitsAck(object, record.state, context)) return {};
  const snapshot = toSnapshot(withSoakEnd(record, object, context.now));
  const promised = promisedByOthers(object, context.otherAttempts ?? [], context.now);
  return { snapshot: { ...snapshot, lastEventSeq: Math.max(snapshot.lastEventSeq, promised) } };
}

/**
 * Before the acknowledgement the record has no end of soaking (D3), but an agent whose record lacks one never converges
 * until a later heartbeat brings it. So the mark's is sent, or without a mark the earliest that is possible.
 */
function withSoakEnd(record: HostRecord, { spec, status }: HostRolloutRecord, now: Timestamp): HostRecord {
  if (record.state !== 'Pending' || record.soakDueAt !== undefined) return record;
  return { ...record, soakDueAt: soakEnd(status?.dispatch?.queuedAt ?? now, spec.soakMinutes) };
}

/**
 * Right after the first delivery the acknowledgement is on its way: a Pending snapshot would overtake it and move the
 * agent back. Later it is needed, because an agent that remembers an earlier attempt ignores the dispatch without it.
 */
function awaitsAck(object: HostRolloutRecord, state: string, context: HeartbeatContext): boolean {
  const deliveredAt = object.status?.dispatch?.deliveredAt;
  if (state !== 'Pending' || deliveredAt === undefined) return false;
  return Math.abs(millisBetween(deliveredAt, context.now)) < context.redeliverAfterMs;
}
