/**
 * How an agent learns from which event a further attempt goes on counting (D16). An agent without memory begins at 1, and
 * what it says then is taken for a duplicate; so a record that goes on is not marked before its host was told (ADR 0025).
 */
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { millisBetween, type Timestamp } from '../../api/time.ts';
import type { FoldState } from './extras.ts';

/**
 * Whether a heartbeat has to reach the record's inbox because its answer tells the host the number. An agent that gets
 * no answer speaks again within `toldAfterMs`, so only the last one before such a silence was surely heard. Once the mark
 * is delivered there is nothing left to tell in advance.
 */
export function hasToBeTold(
  { record, extras }: FoldState,
  closure: string,
  now: Timestamp,
  toldAfterMs: number,
): boolean {
  if (record.state !== 'Pending' || record.lastEventSeq === 0) return false;
  if (extras.dispatch?.deliveredAt !== undefined) return false;
  const { lastReport } = extras;
  if (lastReport?.receivedAt === undefined || lastReport.closure !== closure) return true;
  return Math.abs(millisBetween(lastReport.receivedAt, now)) < toldAfterMs;
}

/** Whether the record goes on counting from an earlier attempt and nothing has happened in it yet. */
export function goesOnCounting({ spec, status }: HostRolloutRecord): boolean {
  return spec.firstSeq > 0 && (status?.state ?? 'Pending') === 'Pending';
}

/** When the host was last told what the record counts from, by the operator's clock; undefined where it never was. */
export function toldAt({ status }: HostRolloutRecord): Timestamp | undefined {
  const waiting = status?.inbox?.findLast(({ event }) => event.kind === 'Heartbeat');
  return waiting?.at ?? status?.lastReport?.receivedAt;
}
