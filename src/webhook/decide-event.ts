import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../api/time.ts';
import type { AgentEvent } from '../api/wire/events.ts';
import { judgeEvent } from '../core/host/judge-event.ts';
import { inboxFromObject, policyFromObject } from '../core/host/object.ts';
import type { HostStepError } from '../core/host/result.ts';
import { foldObject, withEntry } from './fold-object.ts';

/**
 * What becomes of an event (architecture.md §1, Events 1, 4 and 5). `store`: PUT `next`, then 204. `drop`: 204, nothing
 * stored; `final` where a newer version of the object cannot make another verdict. `full`: 503, trying again helps.
 */
export type EventDecision =
  | { readonly action: 'store'; readonly next: HostRolloutRecord }
  | {
      readonly action: 'drop';
      readonly reason: 'duplicate' | 'refused' | 'no-change' | 'too-large';
      readonly final: boolean;
      readonly detail?: string | undefined;
    }
  | { readonly action: 'full' };

/** Judges an event as the agent sent it against a record with its inbox folded. */
export function decideEvent(object: HostRolloutRecord, event: AgentEvent, now: Timestamp): EventDecision {
  const verdict = judgeEvent(event, {
    folded: foldObject(object, now),
    inbox: inboxFromObject(object),
    policy: policyFromObject(object),
    receivedAt: now,
  });
  switch (verdict.verdict) {
    case 'store':
      return { action: 'store', next: withEntry(object, verdict.entry) };
    case 'inbox-full':
      return { action: 'full' };
    case 'duplicate':
      // lastEventSeq never falls, so no newer version can say otherwise.
      return { action: 'drop', reason: 'duplicate', final: true };
    case 'refused':
      return { action: 'drop', reason: 'refused', final: false, detail: describe(verdict.error) };
    case 'no-change':
      return { action: 'drop', reason: 'no-change', final: false };
    case 'too-large':
      return { action: 'drop', reason: 'too-large', final: false, detail: verdict.reason };
  }
}

function describe(error: HostStepError): string {
  switch (error.kind) {
    case 'SeqRegression':
      return `seq ${error.got} is not above ${error.last}`;
    case 'IllegalForState':
      return `${error.event} is illegal in state ${error.from}`;
    case 'Invariant':
      return `invariant ${error.code} does not hold`;
  }
}
