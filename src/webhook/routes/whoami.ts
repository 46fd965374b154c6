import { json } from '../answer.ts';
import type { WebhookContext } from '../context.ts';
import type { HostRoute } from '../route.ts';

/** GET /v1/whoami: the certificate's name as this side reads it. */
export function whoamiRoute(context: WebhookContext): HostRoute {
  return {
    name: 'whoami',
    method: 'GET',
    path: '/v1/whoami',
    access: 'host',
    handle: (_request, identity) =>
      json(200, JSON.stringify({ cn: identity.peer.commonName, issuedAt: context.clock.now() })),
  };
}
