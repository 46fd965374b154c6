import type { Clock } from './clock.ts';
import { KubeError } from './errors.ts';
import type { Resource } from './resource.ts';
import { noMetrics, type RuntimeMetrics } from './runtime-metrics.ts';
import { noTracer, type Tracer } from './tracer.ts';

/** Who is told about requests to the API server. */
export interface RequestObservers {
  readonly clock: Clock;
  readonly metrics?: RuntimeMetrics | undefined;
  readonly tracer?: Tracer | undefined;
}

/** One request as observers see it. */
export interface ObservedRequest {
  /** As metrics name it: `get`, `list`, `create`, `update`, `update-status`, … */
  readonly verb: string;
  readonly resource: Resource;
  /** Path and query. */
  readonly path: string;
}

/** Sends, counts what came back, and follows it as a span. Gives back what sending does. */
export function observeRequest<A extends object>(
  { clock, metrics = noMetrics, tracer = noTracer }: RequestObservers,
  { verb, resource, path }: ObservedRequest,
  send: () => Promise<A>,
): Promise<A> {
  const { plural } = resource;
  const [urlPath = path] = path.split('?', 1);
  const attributes = { 'kube.verb': verb, 'kube.resource': plural, 'url.path': urlPath };
  return tracer.span({ name: `${verb} ${plural}`, kind: 'client', attributes }, async (span) => {
    const started = clock.monotonicMillis();
    let status = 0;
    try {
      const answer = await send();
      status = 'status' in answer ? Number(answer.status) : 200;
      return answer;
    } catch (error) {
      if (error instanceof KubeError) status = error.status;
      throw error;
    } finally {
      const code = status > 0 ? String(status) : '<error>';
      metrics.request(verb, plural, code, (clock.monotonicMillis() - started) / 1000);
      if (status > 0) span.add({ 'http.response.status_code': status });
    }
  });
}
