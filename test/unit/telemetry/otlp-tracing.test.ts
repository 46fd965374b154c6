import type { ServerResponse } from 'node:http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import { openOtlpTracing } from '../../../src/telemetry/otlp-tracing.ts';
import { SdkTracing } from '../../../src/telemetry/sdk-tracing.ts';
import { noTracing, startTracing, type Tracing } from '../../../src/telemetry/tracing.ts';
import { WatchedExporter } from '../../../src/telemetry/watched-exporter.ts';
import { json, ScriptedServer, type Answer } from '../../support/scripted-server.ts';

const WHO = { namespace: 'fleet', hostname: 'pod-1' };
const taken = json(200, {});

const attributeSchema = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attributeSchema) }),
      scopeSpans: z.array(z.object({ spans: z.array(z.object({ name: z.string() })) })),
    }),
  ),
});

let server: ScriptedServer | undefined;

beforeEach(() => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', undefined);
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

async function collector(...answers: Answer[]): Promise<string> {
  server = await ScriptedServer.start(...answers);
  return `${server.config().getCurrentCluster()?.server ?? ''}/v1/traces`;
}

/** Everything that the collector was sent. */
function sent(): z.output<typeof requestSchema>['resourceSpans'] {
  return (server?.requests ?? []).flatMap(({ body }) => requestSchema.parse(JSON.parse(body)).resourceSpans);
}

function spanNames(): string[] {
  return sent().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)));
}

function work(tracing: Tracing, name = 'work'): void {
  tracing.tracer.span({ name }, () => undefined);
}

test('without options there is no SDK, and work is done as if nobody looked', async () => {
  const tracing = await startTracing(undefined, WHO);
  expect(tracing).toBe(noTracing);
  expect(tracing.tracer.span({ name: 'x' }, () => 7)).toBe(7);
  expect(tracing.ids()).toBeUndefined();
  await tracing.stop();
});

test('stopping sends what waits, with who it is from, and the headers and attributes of the environment', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer abc');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=lab');
  const tracing = await startTracing({ tracesUrl: await collector(taken), sampleRatio: 1 }, WHO);
  work(tracing);
  expect(server?.requests).toEqual([]);
  await tracing.stop();
  expect(spanNames()).toEqual(['work']);
  expect(server?.requests[0]).toMatchObject({
    method: 'POST',
    url: '/v1/traces',
    authorization: 'Bearer abc',
  });
  const attributes = sent()[0]?.resource.attributes.map(({ key, value }) => [key, value['stringValue']]);
  expect(Object.fromEntries(attributes ?? [])).toEqual({
    'service.name': 'nixfleet-operator',
    'service.instance.id': 'pod-1',
    'k8s.namespace.name': 'fleet',
    'k8s.pod.name': 'pod-1',
    'deployment.environment.name': 'lab',
  });
  work(tracing, 'too late');
  await tracing.stop();
  expect(spanNames()).toEqual(['work']);
});

test('of a ratio of nothing, nothing is sent', async () => {
  const tracing = openOtlpTracing({ tracesUrl: await collector(taken), sampleRatio: 0 }, WHO);
  work(tracing);
  await tracing.stop();
  expect(server?.requests).toEqual([]);
});

test('a collector that does not answer costs a bounded number of spans in memory', async () => {
  const waiting: ServerResponse[] = [];
  const hold: Answer = (_, response) => void waiting.push(response);
  const tracing = openOtlpTracing({ tracesUrl: await collector(hold, taken), sampleRatio: 1 }, WHO);
  for (let count = 0; count < 10_000; count += 1) work(tracing);
  await expect.poll(() => waiting.length).toBe(1);
  for (const response of waiting) response.end('{}');
  await tracing.stop();
  // A batch that is under way, and a queue that is full.
  expect(spanNames()).toHaveLength(512 + 2048);
});

test('that spans are lost is said once, and so is that they arrive again', async () => {
  const refused = json(400, {});
  const url = await collector(refused, refused, taken, refused);
  const lines: string[] = [];
  const log: Logger = {
    ...silentLogger,
    warn: (fields, message) => void lines.push(`warn ${message} ${JSON.stringify(fields)}`),
    info: (fields, message) => void lines.push(`info ${message} ${JSON.stringify(fields)}`),
  };
  const exporter = new WatchedExporter(new OTLPTraceExporter({ url }), url);
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracing = new SdkTracing(provider, (told) => exporter.reportTo(told));
  tracing.reportTo(log);
  for (const name of ['lost', 'lost, too', 'arrived', 'lost again']) {
    work(tracing, name);
    await provider.forceFlush().catch(() => undefined); // rejects with what the exporter was told
  }
  expect(lines).toEqual([
    expect.stringMatching(/^warn spans cannot be sent and are lost.*\/v1\/traces/),
    expect.stringMatching(/^info spans can be sent again .*"lost":2/),
    expect.stringMatching(/^warn /),
  ]);
  await tracing.stop();
});
