import { json } from '../answer.ts';
import type { HostRoute } from '../route.ts';

/** GET /v1/agent/closure/{hash}: no binary cache is proxied here. */
export function closureRoute(): HostRoute {
  return {
    name: 'closure',
    method: 'GET',
    path: '/v1/agent/closure/*',
    access: 'host',
    handle: (request) =>
      json(501, JSON.stringify({ error: 'closure proxy not configured', closure: request.parameter })),
  };
}
