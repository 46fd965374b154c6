import type { Timestamp } from '../../api/time.ts';
import type { PlanSettings } from './fleet-input.ts';

/**
 * Whether nobody waits for this host any more: a person cleared it, or it is offline and the fleet skips such hosts.
 * It is then out of promotion, host edges, compliance and the end of the rollout (D7).
 */
export function isLeftBehind(
  record: { readonly clearedAt?: Timestamp | undefined },
  offline: boolean,
  policy: PlanSettings['offlinePolicy'],
): boolean {
  return record.clearedAt !== undefined || (policy === 'Skip' && offline);
}
