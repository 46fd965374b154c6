import { laterOf, type Timestamp } from '../../../api/time.ts';
import type { PlanRecord } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

/**
 * Since when a record keeps its host busy: a dispatch was handed out or a switch is running. Undefined where it does
 * not (D20).
 */
export function busySince(record: PlanRecord): Timestamp | undefined {
  const { state, dispatch, dispatchAckedAt } = record;
  const delivered = dispatch?.lastDeliveredAt ?? dispatch?.deliveredAt;
  if (state === 'Pending') return delivered;
  if (state !== 'Activating') return undefined;
  if (delivered === undefined || dispatchAckedAt === undefined) return dispatchAckedAt ?? delivered;
  return laterOf(delivered, dispatchAckedAt);
}

/** Holds a host while another of its records keeps it busy, unless `isPast` says that it last moved too long ago (D20). */
export function hostBusy(
  record: PlanRecord,
  busyRecords: readonly PlanRecord[],
  isPast: (since: Timestamp) => boolean,
): Hold | null {
  for (const other of busyRecords) {
    if (other.name === record.name) continue;
    const since = busySince(other);
    if (since === undefined || isPast(since)) continue;
    const doing = other.state === 'Activating' ? 'is switching' : 'was dispatched';
    return {
      gate: 'host-busy',
      key: other.name,
      reason: `host-busy: this host ${doing} for record '${other.name}'`,
    };
  }
  return null;
}
