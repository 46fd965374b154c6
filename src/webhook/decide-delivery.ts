import type { DispatchMark, HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../api/kinds/rollout.ts';
import { compareTimestamps, millisBetween, type Timestamp } from '../api/time.ts';
import type { DispatchAnswer } from '../api/wire/dispatch.ts';
import { soakEnd } from '../core/host/extras.ts';
import { foldObject, withStatus } from './fold-object.ts';

/** What decides over a delivery besides the record. */
export interface DeliveryContext {
  /** The operator's clock. */
  readonly now: Timestamp;
  /** The same mark goes out again no sooner, in milliseconds. */
  readonly redeliverAfterMs: number;
  /** What the host runs, by its last heartbeat. */
  readonly hostClosure: string | undefined;
}

/** Whether a record's mark may go to its host: now, after a while, or not as long as the object stays as it is. */
export type DeliveryDue =
  | { readonly due: true; readonly mark: DispatchMark }
  | { readonly due: false; readonly retryAfterMs?: number | undefined };

/** A delivery: PUT `next`, then answer. */
export interface Delivery {
  readonly next: HostRolloutRecord;
  readonly answer: DispatchAnswer;
}

/**
 * Whether a record's mark is due (architecture.md §1, Dispatch). A host that runs its target already is not dispatched:
 * its recovery is under way (D11).
 */
export function deliveryDue(object: HostRolloutRecord, context: DeliveryContext): DeliveryDue {
  if (object.status?.dispatch === undefined) return { due: false };
  const { record, extras } = foldObject(object, context.now);
  const mark = extras.dispatch;
  if (mark === undefined || mark.suspended === true || record.state !== 'Pending') return { due: false };
  if (context.hostClosure === record.targetClosure) return { due: false };
  const retryAfterMs = waitBeforeRedelivery(mark, context);
  return retryAfterMs > 0 ? { due: false, retryAfterMs } : { due: true, mark };
}

/**
 * Whether the Rollout, as the API server has it now, still dispatches. A mark can outlive it by a moment: a leader whose
 * cache is behind marks records of a Rollout that was deleted or superseded.
 */
export function mayDispatch({ metadata }: HostRolloutRecord, rollout: Rollout | undefined): boolean {
  if (rollout === undefined || rollout.status?.state === 'Superseded') return false;
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Rollout');
  return owner === undefined || owner.uid === rollout.metadata.uid;
}

/** The delivery of a due mark; undefined where its term is not the Fleet's, so that a former leader's mark stays put. */
export function decideDelivery(
  object: HostRolloutRecord,
  mark: DispatchMark,
  term: number | undefined,
  now: Timestamp,
): Delivery | undefined {
  if (term === undefined || mark.term !== term) return undefined;
  const { hostname, rolloutId, targetClosure, soakMinutes } = object.spec;
  const dispatch = { ...mark, deliveredAt: mark.deliveredAt ?? now, lastDeliveredAt: now };
  return {
    next: withStatus(object, { dispatch }),
    answer: {
      hostname,
      rollout_id: rolloutId,
      target_closure: targetClosure,
      soak_due_at: soakEnd(mark.queuedAt, soakMinutes),
      enqueued_at: mark.queuedAt,
    },
  };
}

/** Records with a mark, the oldest mark first. */
export function oldestMarkFirst(records: readonly HostRolloutRecord[]): readonly HostRolloutRecord[] {
  const marked = records.flatMap((object) => {
    const queuedAt = object.status?.dispatch?.queuedAt;
    return queuedAt === undefined ? [] : [{ object, queuedAt }];
  });
  return marked.toSorted((a, b) => compareTimestamps(a.queuedAt, b.queuedAt)).map(({ object }) => object);
}

function waitBeforeRedelivery(mark: DispatchMark, { now, redeliverAfterMs }: DeliveryContext): number {
  const last = mark.lastDeliveredAt ?? mark.deliveredAt;
  if (last === undefined) return 0;
  // A clock that is behind the one that stamped the delivery must not hold the mark for longer.
  return redeliverAfterMs - Math.max(0, millisBetween(last, now));
}
