/** What waits in a record's inbox: events and heartbeats, in the order of their arrival (architecture.md §1). */
import { z } from 'zod';
import { INBOX_MAX_BYTES, INBOX_MAX_ENTRIES, type InboxEntry } from '../../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../../api/time.ts';
import { wireText, wireTime } from '../../api/wire/fields.ts';
import { byteLength } from './cut-text.ts';
import { storableTime, type StoredEvent } from './reduce-event.ts';
import { decode, decodeEvent, encodeEvent, type Decoded } from './wire.ts';

const heartbeatSchema = z.object({ kind: z.literal('Heartbeat'), closure: wireText, at: wireTime });

/** A heartbeat that may complete a recovery. `at` is the host's clock. */
export type HeartbeatEntry = z.infer<typeof heartbeatSchema>;

/** What an entry of the inbox says. */
export type InboxMessage = StoredEvent | HeartbeatEntry;

/** The entry of an event that `judgeEvent` wants stored. */
export function eventEntry(event: StoredEvent, receivedAt: Timestamp): InboxEntry {
  return { seq: event.seq, at: receivedAt, event: encodeEvent(event) };
}

/** The entry of a heartbeat to which `recoveryApplies`. */
export function heartbeatEntry(closure: string, at: Timestamp, receivedAt: Timestamp): InboxEntry {
  return { at: receivedAt, event: { kind: 'Heartbeat', closure, at: storableTime(at) } };
}

/** Reads an entry back; fails only where somebody other than the operator wrote it. */
export function readEntry(entry: InboxEntry): Decoded<InboxMessage> {
  return entry.event.kind === 'Heartbeat' ? decode(heartbeatSchema, entry.event) : decodeEvent(entry.event);
}

/** Whether an entry would fit an empty inbox. */
export function fitsEmptyInbox(entry: InboxEntry): boolean {
  return bytesOf(entry) <= INBOX_MAX_BYTES;
}

/** Whether an entry fits what is free of an inbox: 64 entries and 64 KiB of JSON in all. */
export function fitsInbox(inbox: readonly InboxEntry[], entry: InboxEntry): boolean {
  if (inbox.length >= INBOX_MAX_ENTRIES) return false;
  let bytes = bytesOf(entry);
  for (const stored of inbox) bytes += bytesOf(stored);
  return bytes <= INBOX_MAX_BYTES;
}

function bytesOf(entry: InboxEntry): number {
  return byteLength(JSON.stringify(entry));
}
