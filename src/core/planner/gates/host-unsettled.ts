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
const UNTOLD: Hold = {
  gate: 'host-unsettled',
  reason:
    'host-unsettled: this attempt goes on counting events from an earlier one; waiting until a heartbeat of the host was answered with the number',
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

/**
 * Holds a host whose agent may not know yet from which event the record goes on counting: until `isPast` says that it was
 * told long enough ago to have heard it (ADR 0025). A mark before that would be acknowledged with a number that has been
 * used, and come again.
 */
export function hostUntold(
  host: PlanHost | undefined,
  { countsOn }: Pick<PlanRecord, 'countsOn'>,
  isPast: (since: Timestamp) => boolean,
): Hold | null {
  if (host === undefined || countsOn === undefined) return null;
  return countsOn.toldAt !== undefined && isPast(countsOn.toldAt) ? null : UNTOLD;
}
