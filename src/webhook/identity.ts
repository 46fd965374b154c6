import { compareTimestamps } from '../api/time.ts';
import { hostObject, keyIn, type WebhookContext } from './context.ts';
import { isExpired, machineIdOf, type Peer } from './peer.ts';

/** The host on whose behalf a request is made. */
export interface Identity {
  readonly hostname: string;
  readonly peer: Peer;
}

/**
 * Who makes a request, or undefined (401): nobody without a certificate, with one that has ended since the connection
 * was made, or with one that was issued before the host's revocation (agent-protocol.md §1.1).
 */
export function identify(context: WebhookContext, peer: Peer | undefined): Identity | undefined {
  if (peer === undefined || isExpired(peer, context.clock.now())) return undefined;
  const fleet = context.stores.fleets.get(keyIn(context, context.fleetName));
  const hostname = machineIdOf(peer.commonName, fleet?.spec.agents.cnSuffix);
  const revocations = [
    hostObject(context, hostname)?.spec.revokedBefore,
    context.admission?.revokedBefore(hostname),
  ];
  for (const revokedBefore of revocations) {
    if (revokedBefore !== undefined && compareTimestamps(peer.notBefore, revokedBefore) < 0) return undefined;
  }
  return { hostname, peer };
}
