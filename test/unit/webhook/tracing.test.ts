import { SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAgentPort, SUFFIX, WireHost, type AgentPort } from '../../support/agent-port.ts';
import { rememberSpans, type SpanMemory } from '../../support/span-memory.ts';
import { fleet, unreachable } from './support.ts';

let memory: SpanMemory;
let port: AgentPort;
let web01: WireHost;

beforeEach(async () => {
  memory = rememberSpans();
  port = await startAgentPort({ client: unreachable, tracer: memory.tracing });
  port.stores.fleets.applyList([fleet()], '10', 0);
  web01 = await WireHost.of(port, 'web-01');
});

afterEach(async () => {
  web01.close();
  await port.close();
});

test('a request is a span that its route names, and its host is an attribute', async () => {
  expect((await web01.get('/v1/agent/closure/abc-web-01')).status).toBe(501);
  expect(memory.spans()).toHaveLength(1);
  expect(memory.spans()[0]).toMatchObject({
    name: 'GET /v1/agent/closure/*',
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/v1/agent/closure/*',
      'http.response.status_code': 501,
      'agent.common_name': `agent-web-01.${SUFFIX}`,
    },
  });
  expect(memory.tree()).toEqual(['GET /v1/agent/closure/* !']);
});

test('a path that nothing serves gives no span a name of its own', async () => {
  await web01.get('/v1/web-01/secrets');
  expect(memory.tree()).toEqual(['GET']);
  expect(memory.span('GET').attributes).toMatchObject({ 'http.response.status_code': 404 });
});
