import type {
  HostRolloutRecord,
  HostRolloutRecordStatus,
  InboxEntry,
} from '../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../api/time.ts';
import type { FoldState } from '../core/host/extras.ts';
import { foldInbox } from '../core/host/inbox.ts';
import { inboxFromObject, policyFromObject, recordFromObject } from '../core/host/object.ts';

/** A record as it stands once everything in its inbox is decided; the Pending rule is the leader's and not applied. */
export function foldObject(object: HostRolloutRecord, now: Timestamp): FoldState {
  const state = recordFromObject(object);
  const inbox = inboxFromObject(object);
  if (inbox.length === 0) return state;
  return foldInbox(state, inbox, { now, policy: policyFromObject(object) }).state;
}

/** The object with one more entry at the end of its inbox. */
export function withEntry(object: HostRolloutRecord, entry: InboxEntry): HostRolloutRecord {
  return withStatus(object, { inbox: [...inboxFromObject(object), entry] });
}

/** The object with some members of its status replaced. */
export function withStatus(
  object: HostRolloutRecord,
  changes: Partial<HostRolloutRecordStatus>,
): HostRolloutRecord {
  return { ...object, status: { state: 'Pending', lastEventSeq: 0, ...object.status, ...changes } };
}
