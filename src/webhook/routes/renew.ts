import { renewRequestSchema } from '../../api/wire/enroll.ts';
import { bare } from '../answer.ts';
import type { IssuanceDesk } from '../issuance.ts';
import type { HostRoute } from '../route.ts';

/** POST /v1/agent/renew: the next certificate of the host that calls (agent-protocol.md §1.7). */
export function renewRoute(desk: IssuanceDesk): HostRoute {
  return {
    name: 'renew',
    method: 'POST',
    path: '/v1/agent/renew',
    access: 'host',
    async handle(request, identity) {
      const body = await request.json(renewRequestSchema);
      if (body === undefined) return bare(400);
      return body.ok ? desk.renew(body.value, identity) : body.answer;
    },
  };
}
