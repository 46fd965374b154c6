import { compareTimestamps, type Timestamp } from '../../../api/time.ts';
import type { PlanHost, PlanRecord } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

const NEW_HOST: Hold = {
  gate: 'host-unsettled',
  reason:
    'host-unsettled: this host is new to the operator and may be in the middle of a switch; waiting for it to report the same closure twice',
};
const LOST_RECORD: Hold = {
  gate: 'host-unsettled',
  reason:
    'host-unsettled: the record of this host was deleted and it may be in the middle of a switch; waiting for as long as a switch can take',
};

/**
 * Holds a host that may be in the middle of a switch which the operator does not know of (D22): one that is new until
 * it has settled, or `isPast` says that its first report is old enough; one whose record was deleted until it has
 * settled since then, or `isPast` says that this is long enough ago.
 */
export function hostUnsettled(
  host: PlanHost | undefined,
  { reopenedAt }: Pick<PlanRecord, 'reopenedAt'>,
  isPast: (since: Timestamp) => boolean,
): Hold | null {
  if (host === undefined) return null;
  const { settledTime, firstReportAt } = host;
  if (settledTime === undefined) {
    return firstReportAt !== undefined && isPast(firstReportAt) ? null : NEW_HOST;
  }
  if (reopenedAt === undefined || compareTimestamps(settledTime, reopenedAt) >= 0) return null;
  return isPast(reopenedAt) ? null : LOST_RECORD;
}
