import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { freePort } from '../../src/dev/free-ports.ts';
import { Collector, type ReceivedSpan } from '../support/collector.ts';
import { asText, releaseFiles } from '../support/release.ts';
import { silence } from '../support/scripted-server.ts';
import { auditLinesOf, QUICK_FLAGS, Site } from './support/site.ts';

const LIMIT = { timeout: 20_000 };

let site: Site;
let collector: Collector | undefined;

async function open(): Promise<void> {
  site = await Site.shared('tracing');
  await site.putConfigMap('release', asText(releaseFiles()));
  await site.applyFleet({ configMapRefs: ['release'] });
}

async function close(): Promise<void> {
  await site.close();
  await collector?.close();
  collector = undefined;
}

function startTraced(endpoint: string): Promise<OperatorProcess> {
  return site.startOperator('operator', [...QUICK_FLAGS, `--otlp-endpoint=${endpoint}`]);
}

async function untilInForce(): Promise<void> {
  const inForce = async () => expect(await site.condition('Ready')).toBe('True InForce');
  await vi.waitFor(inForce, { timeout: 30_000, interval: 100 });
}

/** How long it takes to end, in milliseconds, and the last line of its log. */
async function stopped(operator: OperatorProcess): Promise<{ took: number; last: string }> {
  const told = performance.now();
  await operator.stop();
  const took = performance.now() - told;
  return { took, last: (await operator.logEnd()).split('\n').at(-1) ?? '' };
}

describe('the spans of an operator that puts a release in force', () => {
  let spans: ReceivedSpan[];
  let audit: Record<string, unknown>[];

  /** The name of the span above, if there is one. */
  function parentOf({ parentSpanId, traceId }: ReceivedSpan): string | undefined {
    if (parentSpanId === undefined) return undefined;
    const parent = spans.find((span) => span.spanId === parentSpanId && span.traceId === traceId);
    return parent?.name ?? 'lost';
  }

  beforeAll(async () => {
    await open();
    collector = await Collector.start();
    const operator = await startTraced(collector.endpoint);
    await untilInForce();
    const host = await site.host(operator, 'web-01');
    const heartbeat = { hostname: 'web-01', at: new Date().toISOString() };
    expect((await host.post('/v1/agent/heartbeat', heartbeat)).status).toBe(200);
    expect((await host.get('/v1/nowhere')).status).toBe(404);
    host.close();
    audit = await auditLinesOf(operator);
    expect(await stopped(operator)).toMatchObject({ last: expect.stringContaining('"stopped"') as unknown });
    spans = collector.spans();
  });

  afterAll(close);

  test('all arrive, the last with the end of the process, and none without the one above it', () => {
    expect(collector?.resources()[0]).toMatchObject({
      'service.name': 'nixfleet-operator',
      'k8s.namespace.name': site.namespace,
    });
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(spans.filter((span) => parentOf(span) === 'lost')).toEqual([]);
    const roots = new Set(
      spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ name }) => name),
    );
    for (const name of ['reconcile fleet', 'reconcile planner', 'POST /v1/agent/heartbeat', 'GET'])
      expect(roots).toContain(name);
    // No write stands alone, nor a plan: on their own are only reads of what every process follows.
    for (const name of roots)
      expect(name).toMatch(
        /^reconcile \w+$|^send event$|^(GET|POST) \/|^GET$|^(get|list|watch) \w+$|^verify release$/,
      );
  });

  test('show what each piece of work was done for', () => {
    const parents = (name: string) => new Set(spans.filter((span) => span.name === name).map(parentOf));
    expect(parents('plan')).toEqual(new Set(['reconcile planner']));
    expect(parents('create rollouts')).toEqual(new Set(['reconcile fleet']));
    expect(parents('create events')).toEqual(new Set(['send event']));
    expect(parents('update-status hosts')).toContain('POST /v1/agent/heartbeat');
    const verifications = spans.filter(({ name }) => name === 'verify release');
    const fromSource = verifications.filter(({ attributes }) => attributes['release.from'] === 'source');
    expect(fromSource.map(parentOf)).toContain('reconcile fleet');
    for (const { attributes } of verifications) expect(attributes['release.outcome']).toBe('Verified');
    const plan = spans.findLast(({ name }) => name === 'plan');
    expect(plan?.attributes).toMatchObject({ 'plan.rollouts': 2, 'plan.deadlocks': 0 });
  });

  test('are named without hosts and objects, and leave the Lease out', () => {
    const names = [...new Set(spans.map(({ name }) => name))];
    expect(
      names.filter((name) => /web-0|lab|stable|leases/.test(name) || name.includes(site.namespace)),
    ).toEqual([]);
    const heartbeat = spans.find(({ name }) => name === 'POST /v1/agent/heartbeat');
    expect(heartbeat?.attributes).toMatchObject({
      'http.route': '/v1/agent/heartbeat',
      'http.response.status_code': 200,
      'agent.common_name': expect.stringContaining('web-01') as unknown,
    });
  });

  test('are named in the log of the same work', () => {
    const opened = audit.filter(({ trace_id: traceId }) => traceId !== undefined);
    expect(opened).not.toEqual([]);
    for (const { trace_id: traceId, span_id: spanId } of opened)
      expect(spans.find((span) => span.spanId === spanId)?.traceId).toBe(traceId);
  });
});

describe('a collector that is not there', () => {
  const WARNING = 'spans cannot be sent';

  beforeEach(open);
  afterEach(close);

  async function warnings(operator: OperatorProcess): Promise<number> {
    return (await readFile(operator.logFile, 'utf8')).split(WARNING).length - 1;
  }

  test('is told of once, and holds nothing up', async () => {
    const operator = await startTraced(`http://127.0.0.1:${await freePort()}`);
    await untilInForce();
    await expect.poll(() => warnings(operator), LIMIT).toBe(1);
    await site.putConfigMap('next', asText(releaseFiles({ digit: '2' })));
    await site.applyFleet({ configMapRefs: ['next'] });
    const states = async () => (await site.rollouts()).map(({ status }) => status?.state ?? '').toSorted();
    await expect.poll(states, LIMIT).toEqual(['Active', 'Active', 'Superseded', 'Superseded']);
    expect((await fetch(`${operator.healthUrl}/readyz`)).status).toBe(200);
    const { took, last } = await stopped(operator);
    expect(last).toContain('"stopped"');
    expect(took).toBeLessThan(6_000);
    expect(await warnings(operator)).toBe(1);
  });

  test('cannot keep a process from ending by never answering', async () => {
    collector = await Collector.start(silence);
    const operator = await startTraced(collector.endpoint);
    await untilInForce();
    const { took, last } = await stopped(operator);
    expect(last).toContain('"stopped"');
    expect(took).toBeLessThan(6_000);
    expect(collector.requests).not.toEqual([]);
  });
});
