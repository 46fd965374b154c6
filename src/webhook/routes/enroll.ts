import { enrollRequestSchema } from '../../api/wire/enroll.ts';
import { bare } from '../answer.ts';
import type { IssuanceDesk } from '../issuance.ts';
import type { OpenRoute } from '../route.ts';

/** POST /v1/enroll: a bootstrap token and a request for the first certificate (agent-protocol.md §1.6). */
export function enrollRoute(desk: IssuanceDesk): OpenRoute {
  return {
    name: 'enroll',
    method: 'POST',
    path: '/v1/enroll',
    access: 'open',
    layers: true,
    async handle(request) {
      const body = await request.json(enrollRequestSchema);
      if (body === undefined) return bare(400);
      return body.ok ? desk.enrol(body.value) : body.answer;
    },
  };
}
