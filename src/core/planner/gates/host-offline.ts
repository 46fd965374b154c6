import type { PlanHost } from '../fleet-input.ts';
import type { Hold } from '../fleet-plan-result.ts';

const HOLD: Hold = {
  gate: 'host-offline',
  reason: 'host-offline: nothing was heard of this host for spec.offline.after',
};
const UNKNOWN: Hold = {
  gate: 'host-offline',
  reason: 'host-offline: this host has no Host object yet, so nothing is known of it',
};

/** Holds a host that would not fetch its dispatch (D6). What is not known of it counts as silence (D5). */
export function hostOffline(host: Pick<PlanHost, 'offline'> | undefined): Hold | null {
  if (host === undefined) return UNKNOWN;
  return host.offline ? HOLD : null;
}
