import type { ServerResponse } from 'node:http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import { openOtlpTracing } from '../../../src/telemetry/otlp-tracing.ts';
import { SdkTracing } from '../../../src/telemetry/sdk-tracing.ts';
import { startTracing } from '../../../src/telemetry/start-tracing.ts';
import type { Tracing } from '../../../src/telemetry/tracing.ts';
import { WatchedExporter } from '../../../src/telemetry/watched-exporter.ts';
import { Collector, taken } from '../../support/collector.ts';
import { json, type Answer } from '../../support/scripted-server.ts';

const WHO = { namespace: 'fleet', hostname: 'pod-1' };

let collector: Collector;

beforeEach(() => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', undefined);
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

/** Starts a collector; where it takes traces. */
async function tracesUrl(...answers: Answer[]): Promise<string> {
  collector = await Collector.start(...answers);
  return `${collector.endpoint}/v1/traces`;
}

function spanNames(): string[] {
  return collector.spans().map(({ name }) => name);
}

function work(tracing: Tracing, name = 'work'): void {
  tracing.tracer.span({ name }, () => undefined);
}

test('stopping sends what waits, with who it is from, and the headers and attributes of the environment', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer abc');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=lab');
  const tracing = await startTracing({ tracesUrl: await tracesUrl(taken), sampleRatio: 1 }, WHO);
  work(tracing);
  expect(collector.requests).toEqual([]);
  await tracing.stop();
  expect(spanNames()).toEqual(['work']);
  expect(collector.requests[0]).toMatchObject({
    method: 'POST',
    url: '/v1/traces',
    authorization: 'Bearer abc',
  });
  expect(collector.resources()).toEqual([
    {
      'service.name': 'nixfleet-operator',
      'service.instance.id': 'pod-1',
      'k8s.namespace.name': 'fleet',
      'k8s.pod.name': 'pod-1',
      'deployment.environment.name': 'lab',
    },
  ]);
  work(tracing, 'too late');
  await tracing.stop();
  expect(spanNames()).toEqual(['work']);
});

test('of a ratio of nothing, nothing is sent', async () => {
  const tracing = openOtlpTracing({ tracesUrl: await tracesUrl(taken), sampleRatio: 0 }, WHO);
  work(tracing);
  await tracing.stop();
  expect(collector.requests).toEqual([]);
});

test('a collector that does not answer costs a bounded number of spans in memory', async () => {
  const waiting: ServerResponse[] = [];
  const hold: Answer = (_, response) => void waiting.push(response);
  const tracing = openOtlpTracing({ tracesUrl: await tracesUrl(hold, taken), sampleRatio: 1 }, WHO);
  for (let count = 0; count < 10_000; count += 1) work(tracing);
  await expect.poll(() => waiting.length).toBe(1);
  for (const response of waiting) response.end('{}');
  await tracing.stop();
  // A batch that is under way, and a queue that is full.
  expect(spanNames()).toHaveLength(512 + 2048);
});

test('that spans are lost is said once, and so is that they arrive again', async () => {
  const refused = json(400, {});
  const url = await tracesUrl(refused, refused, taken, refused);
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
