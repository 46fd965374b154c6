import type { Timestamp } from '../../../api/time.ts';
import type { PlanHost } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

const HOLD: Hold = {
  gate: 'host-unsettled',
  reason:
    'host-unsettled: this host is new to the operator and may be in the middle of a switch; waiting for it to report the same closure twice',
};

/**
 * Holds a host that is new to the operator until it is sure not to be in the middle of a switch (D22): it has settled,
 * or `isPast` says that its first report is old enough.
 */
export function hostUnsettled(
  host: PlanHost | undefined,
  isPast: (firstReportAt: Timestamp) => boolean,
): Hold | null {
  if (host === undefined || host.settledTime !== undefined) return null;
  if (host.firstReportAt !== undefined && isPast(host.firstReportAt)) return null;
  return HOLD;
}
