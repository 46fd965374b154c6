import { json } from '../answer.ts';
import type { OpenRoute } from '../route.ts';

/** The release of NixFleet whose protocol is spoken here. */
const WIRE_VERSION = '0.2.0';

/** GET /healthz: alive, whatever the state of the control plane. */
export function healthzRoute(): OpenRoute {
  const answer = json(200, `{"ok":true,"version":"${WIRE_VERSION}","last_tick_at":null}`);
  return {
    name: 'healthz',
    method: 'GET',
    path: '/healthz',
    access: 'open',
    layers: false,
    handle: () => answer,
  };
}
