import { SpanKind } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../../src/kube/connect.ts';
import { Controller, type Reconcile } from '../../../src/kube/controller.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { silentLogger } from '../../../src/kube/logger.ts';
import { defineResource, type KubeObject } from '../../../src/kube/resource.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { json, ScriptedServer, type Answer } from '../../support/scripted-server.ts';
import { rememberSpans, type SpanMemory } from '../../support/span-memory.ts';

interface Thing extends KubeObject {
  readonly status?: object;
}

const THINGS = defineResource<Thing>({
  group: 'test.dev',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
});
const thing = (name: string): Thing => ({ metadata: { namespace: 'ns', name, resourceVersion: '7' } });
const found = json(200, thing('a'));
const conflict = json(409, { kind: 'Status', reason: 'Conflict', message: 'changed' });
const broken = json(500, { kind: 'Status', reason: 'InternalError', message: 'broken' });

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Rig {
  readonly memory: SpanMemory;
  readonly clock: ManualClock;
  readonly controller: Controller;
  /** Resolves once so many reconciles have ended. */
  readonly ended: (count: number) => Promise<void>;
}

/** A real controller whose reconciles talk to a real server through a real client. */
async function rig(
  answers: readonly Answer[],
  reconcile: (key: string, client: KubeClient) => ReturnType<Reconcile>,
  workers = 1,
): Promise<Rig> {
  const memory = rememberSpans();
  const { tracer } = memory.tracing;
  const clock = new ManualClock();
  const server = await ScriptedServer.start(...answers);
  const client = connect({ config: server.config(), clock, random: () => 0, tracer });
  const outcomes: string[] = [];
  const controller = new Controller({
    name: 'things',
    reconcile: (key) => reconcile(key, client),
    clock,
    log: silentLogger,
    metrics: { ...noMetrics, reconciled: (_, outcome) => void outcomes.push(outcome) },
    tracer,
    workers,
  });
  controller.start();
  ends.push(async () => {
    const stopped = controller.stop(0);
    await clock.advance(0); // a worker may be giving way to others
    await stopped;
    await client.close();
    await server.close();
  });
  return {
    memory,
    clock,
    controller,
    ended: async (count) => {
      while (outcomes.length < count) await new Promise((resolve) => setImmediate(resolve));
      await settle();
    },
  };
}

describe('the spans of a reconcile', () => {
  test('are a trace of its own, with a span for each request below', async () => {
    const { memory, controller, ended } = await rig([found], async (key, client) => {
      await client.get(THINGS, { namespace: 'ns', name: key });
      await client.replaceStatus(THINGS, { ...thing(key), status: {} });
      return { requeueAfterMs: 1_000 };
    });
    controller.queue.add('a');
    await ended(1);
    expect(memory.tree()).toEqual(['reconcile things', '  get things', '  update-status things']);
    expect(memory.span('reconcile things')).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: {
        'controller.name': 'things',
        'reconcile.key': 'a',
        'reconcile.id': 'things-1',
        'reconcile.attempt': 1,
        'reconcile.result': 'requeue_after',
      },
    });
    expect(memory.span('get things')).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: {
        'kube.verb': 'get',
        'kube.resource': 'things',
        'url.path': '/apis/test.dev/v1/namespaces/ns/things/a',
        'http.response.status_code': 200,
      },
    });
  });

  test('are not mixed up between reconciles that run at the same time', async () => {
    const { memory, controller, ended } = await rig(
      [found],
      async (key, client) => {
        for (let turn = 0; turn < 3; turn += 1) await client.get(THINGS, { namespace: 'ns', name: key });
      },
      2,
    );
    controller.queue.add('a');
    controller.queue.add('b');
    await ended(2);
    for (const key of ['a', 'b']) {
      const own = memory.spans().filter(({ attributes }) => attributes['reconcile.key'] === key);
      expect(own).toHaveLength(1);
      const traceId = own[0]?.spanContext().traceId;
      const paths = memory
        .spans()
        .filter((span) => span.name === 'get things' && span.spanContext().traceId === traceId)
        .map(({ attributes }) => attributes['url.path']);
      expect(paths).toEqual(Array(3).fill(`/apis/test.dev/v1/namespaces/ns/things/${key}`));
    }
  });

  test('say what failed, and count attempts; a lost race is none', async () => {
    let runs = 0;
    const { memory, clock, controller, ended } = await rig([conflict, found], async (key, client) => {
      runs += 1;
      if (runs === 1) await client.replace(THINGS, thing(key));
      if (runs === 2) throw new TypeError('no idea');
      await client.get(THINGS, { namespace: 'ns', name: key });
    });
    controller.queue.add('a');
    await ended(1);
    await clock.advance(5);
    await ended(2);
    await clock.advance(10);
    await ended(3);
    expect(memory.tree()).toEqual([
      'reconcile things',
      '  update things !',
      'reconcile things !',
      'reconcile things',
      '  get things',
    ]);
    const reconciles = memory.spans().filter(({ name }) => name === 'reconcile things');
    expect(reconciles.map(({ attributes }) => attributes['reconcile.result'])).toEqual([
      'requeue',
      'error',
      'success',
    ]);
    expect(reconciles.map(({ attributes }) => attributes['reconcile.attempt'])).toEqual([1, 2, 3]);
    expect(reconciles[1]).toMatchObject({
      status: { message: 'no idea' },
      attributes: { 'error.type': 'TypeError' },
    });
    expect(memory.span('update things').attributes).toMatchObject({ 'http.response.status_code': 409 });
  });

  test('show every attempt at a read', async () => {
    const { memory, clock, controller, ended } = await rig([broken, found], async (key, client) => {
      await client.get(THINGS, { namespace: 'ns', name: key });
    });
    controller.queue.add('a');
    while (memory.spans().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(100);
    await ended(1);
    expect(memory.tree()).toEqual(['reconcile things', '  get things !', '  get things']);
  });
});

describe('work that does not wait', () => {
  test('is a span until it returns or throws', () => {
    const { tracing, tree, span } = rememberSpans();
    const counted = tracing.span({ name: 'outer' }, (outer) => {
      outer.add({ early: true });
      expect(() =>
        tracing.span({ name: 'inner' }, () => {
          throw new RangeError('too much');
        }),
      ).toThrow('too much');
      return tracing.span({ name: 'other root', root: true }, () => 7);
    });
    expect(counted).toBe(7);
    expect(tree()).toEqual(['outer', '  inner !', 'other root']);
    expect(span('outer').attributes).toEqual({ early: true });
    expect(span('inner')).toMatchObject({ status: { message: 'too much' } });
  });
});

describe('lines of the log', () => {
  interface Line {
    readonly msg: string;
    readonly trace_id?: string;
    readonly span_id?: string;
  }

  async function linesOf(memory: SpanMemory): Promise<Line[]> {
    const lines: Line[] = [];
    const log = createLogger({
      level: 'info',
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
      workFields: () => memory.tracing.ids(),
    });
    log.info({}, 'before');
    await memory.tracing.span({ name: 'work' }, async () => {
      await settle();
      log.child({ controller: 'x' }).info({}, 'within');
    });
    log.audit.info({}, 'after');
    return lines;
  }

  test('name the trace and span that they were written in', async () => {
    const memory = rememberSpans();
    const [before, within, after] = await linesOf(memory);
    const { traceId, spanId } = memory.span('work').spanContext();
    expect(within).toMatchObject({ controller: 'x', msg: 'within', trace_id: traceId, span_id: spanId });
    for (const line of [before, after]) expect(line).not.toHaveProperty('trace_id');
  });

  test('name no trace that nobody can look up', async () => {
    const memory = rememberSpans(0);
    for (const line of await linesOf(memory)) expect(line).not.toHaveProperty('trace_id');
    expect(memory.spans()).toEqual([]);
  });
});
