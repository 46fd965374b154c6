import { bare, type Answer } from '../answer.ts';
import type { AgentCall } from '../agent-request.ts';
import type { WebhookContext } from '../context.ts';
import type { SignedManifest } from '../release-view.ts';
import type { HostRoute } from '../route.ts';
import { document, rawSignature } from './fleet-resolved.ts';

const ROLLOUT_ID = /^[a-z0-9_-]+@[0-9a-f]+$/;

/** GET /v1/rollouts/{id} and its raw signature: the exact bytes of a manifest (`@` plain or as `%40`). */
export function rolloutRoutes(context: WebhookContext): readonly HostRoute[] {
  return [
    {
      name: 'rollout',
      method: 'GET',
      path: '/v1/rollouts/*',
      access: 'host',
      handle: (request) => serve(context, request, ({ bytes }) => document(bytes)),
    },
    {
      name: 'rollout-sig',
      method: 'GET',
      path: '/v1/rollouts/*/sig',
      access: 'host',
      handle: (request) => serve(context, request, ({ signature }) => rawSignature(signature)),
    },
  ];
}

async function serve(
  context: WebhookContext,
  request: AgentCall,
  part: (manifest: SignedManifest) => Answer,
): Promise<Answer> {
  if (!ROLLOUT_ID.test(request.parameter)) return bare(404);
  const release = context.release();
  if (release === undefined) return bare(503);
  try {
    const manifest = await release.manifest(request.parameter);
    return manifest === undefined ? bare(404) : part(manifest);
  } catch (error) {
    context.logger.warn({ err: error, rolloutId: request.parameter }, 'a manifest cannot be read');
    return bare(502);
  }
}
