import { addMillis, compareTimestamps, laterOf, type Timestamp } from '../../../api/time.ts';
import type { PlanHost, PlanRecord } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

const MINUTE_MS = 60_000;

/**
 * Since when a record keeps its host busy: a dispatch was handed out, a switch is running, or one is done of which no
 * heartbeat has told yet. Undefined where it does not (D20, docs/adr/0031).
 */
export function busySince(record: PlanRecord, host: PlanHost | undefined): Timestamp | undefined {
  const { state, dispatch, dispatchAckedAt } = record;
  const delivered = dispatch?.lastDeliveredAt ?? dispatch?.deliveredAt;
  if (state === 'Pending') return delivered;
  if (isSwitched(record)) return unconfirmedSince(record, host);
  if (state !== 'Activating') return undefined;
  if (delivered === undefined || dispatchAckedAt === undefined) return dispatchAckedAt ?? delivered;
  return laterOf(delivered, dispatchAckedAt);
}

/** Holds a host while another of its records keeps it busy, unless `isPast` says that it last moved too long ago (D20). */
export function hostBusy(
  record: PlanRecord,
  busyRecords: readonly PlanRecord[],
  host: PlanHost | undefined,
  isPast: (since: Timestamp) => boolean,
): Hold | null {
  for (const other of busyRecords) {
    if (other.name === record.name) continue;
    const since = busySince(other, host);
    if (since === undefined || isPast(since)) continue;
    // To another closure it may go at once.
    if (isSwitched(other) && other.targetClosure !== record.targetClosure) continue;
    return {
      gate: 'host-busy',
      key: other.name,
      reason: `host-busy: this host ${whatItDoes(other)} for record '${other.name}'`,
    };
  }
  return null;
}

function whatItDoes(record: PlanRecord): string {
  if (isSwitched(record)) return 'has switched to the same closure, and is to confirm it with a heartbeat,';
  return record.state === 'Activating' ? 'is switching' : 'was dispatched';
}

function isSwitched({ state }: PlanRecord): boolean {
  return state === 'Soaking' || state === 'Converged';
}

/**
 * When a host was let through for a switch that it has reported, if its heartbeats still name what it ran before. The
 * soak is counted from the mark, so that both times are the operator's.
 */
function unconfirmedSince(
  { targetClosure, soakDueAt, soakMinutes }: PlanRecord,
  host: PlanHost | undefined,
): Timestamp | undefined {
  if (soakDueAt === undefined || host?.closureSince === undefined || host.closure === targetClosure)
    return undefined;
  const since = addMillis(soakDueAt, -soakMinutes * MINUTE_MS);
  return compareTimestamps(host.closureSince, since) < 0 ? since : undefined;
}
