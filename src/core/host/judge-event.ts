/** What the webhook does with an event (architecture.md §1, rules 1, 4 and 5). */
import type { InboxEntry } from '../../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../../api/time.ts';
import type { AgentEvent } from '../../api/wire/events.ts';
import { applyEvent } from './apply-event.ts';
import { soakDueAtOnLeaving, type FoldState } from './extras.ts';
import { eventEntry, fitsEmptyInbox, fitsInbox } from './inbox-entry.ts';
import { notStorable } from './object-bounds.ts';
import type { HostRecord, Probes } from './record.ts';
import { reduceEvent } from './reduce-event.ts';
import type { HostPolicy, HostStepError } from './result.ts';

/**
 * What the webhook does with an event. `store`: append the entry, PUT, then 204. `inbox-full`: 503, trying again will
 * help. Everything else is answered 204 and not stored; `refused` and `too-large` are counted and audited.
 */
export type EventVerdict =
  | { readonly verdict: 'store'; readonly entry: InboxEntry }
  | { readonly verdict: 'duplicate' }
  | { readonly verdict: 'refused'; readonly error: HostStepError }
  | { readonly verdict: 'no-change' }
  | { readonly verdict: 'inbox-full' }
  | { readonly verdict: 'too-large'; readonly reason: string };

/** What an event is judged against. */
export interface JudgeContext {
  /** The record with its inbox folded, without the Pending rule. */
  readonly folded: FoldState;
  /** The inbox as stored. */
  readonly inbox: readonly InboxEntry[];
  readonly policy: HostPolicy;
  /** The operator's clock. */
  readonly receivedAt: Timestamp;
}

/** Judges an event as the agent sent it; it is reduced on the way (`reduceEvent`). */
export function judgeEvent(event: AgentEvent, context: JudgeContext): EventVerdict {
  const { folded, inbox, policy, receivedAt } = context;
  if (event.seq > Number.MAX_SAFE_INTEGER) return tooLarge('seq is above 2^53−1');
  if (event.seq <= folded.record.lastEventSeq) return { verdict: 'duplicate' };
  const reduced = reduceEvent(event);
  const soakDueAt = soakDueAtOnLeaving(folded.extras, receivedAt);
  const applied = applyEvent(folded, reduced, { now: receivedAt, policy, soakDueAt });
  if (!applied.ok) return { verdict: 'refused', error: applied.error };
  if (sameButForTimes(folded, applied.state)) return { verdict: 'no-change' };
  const obstacle = notStorable(folded, applied.state);
  if (obstacle !== undefined) return tooLarge(obstacle);
  const entry = eventEntry(reduced, receivedAt);
  if (!fitsEmptyInbox(entry)) return tooLarge('the event does not fit an empty inbox');
  return fitsInbox(inbox, entry) ? { verdict: 'store', entry } : { verdict: 'inbox-full' };
}

function tooLarge(reason: string): EventVerdict {
  return { verdict: 'too-large', reason };
}

/** Whether two states differ in nothing but lastEventSeq and the times of observations. */
function sameButForTimes(before: FoldState, after: FoldState): boolean {
  return (
    sameMembers(before.record, after.record) &&
    sameProbes(before.record.probes, after.record.probes) &&
    sameControls(before.extras.failingControls, after.extras.failingControls)
  );
}

function sameMembers(before: HostRecord, after: HostRecord): boolean {
  const { probes: _probes, lastEventSeq: _seq, ...members } = before;
  const known: Record<string, unknown> = members;
  return Object.entries(after).every(
    ([name, value]) => name === 'probes' || name === 'lastEventSeq' || known[name] === value,
  );
}

/** Probes go only where the state changes, too. */
function sameProbes(before: Probes, after: Probes): boolean {
  for (const [name, probe] of after) {
    const known = before.get(name);
    if (known?.status !== probe.status || known.mode !== probe.mode) return false;
    if (known.failureReason !== probe.failureReason) return false;
  }
  return true;
}

type Controls = FoldState['extras']['failingControls'];

function sameControls(before: Controls, after: Controls): boolean {
  if (before.size !== after.size) return false;
  for (const [name, controls] of after) {
    const known = before.get(name);
    if (known === undefined || known.length !== controls.length) return false;
    const names = new Set(known);
    if (controls.some((control) => !names.has(control))) return false;
  }
  return true;
}
