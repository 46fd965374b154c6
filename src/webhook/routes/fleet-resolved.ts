import { bare, type Answer } from '../answer.ts';
import type { WebhookContext } from '../context.ts';
import type { HostRoute } from '../route.ts';

/** GET /v1/fleet.resolved and its raw signature: the exact bytes in force. */
export function fleetResolvedRoutes(context: WebhookContext): readonly HostRoute[] {
  return [
    {
      name: 'fleet-resolved',
      method: 'GET',
      path: '/v1/fleet.resolved',
      access: 'host',
      handle: () => document(context.release()?.fleetText),
    },
    {
      name: 'fleet-resolved-sig',
      method: 'GET',
      path: '/v1/fleet.resolved/sig',
      access: 'host',
      handle: () => rawSignature(context.release()?.fleetSignature),
    },
  ];
}

/** A signed document, byte for byte; 503 without one. */
export function document(bytes: Uint8Array | undefined): Answer {
  return bytes === undefined ? bare(503) : { status: 200, body: bytes, contentType: 'application/json' };
}

/** The 64 bytes of a signature; 503 without one. */
export function rawSignature(bytes: Uint8Array | undefined): Answer {
  return bytes === undefined
    ? bare(503)
    : { status: 200, body: bytes, contentType: 'application/octet-stream' };
}
