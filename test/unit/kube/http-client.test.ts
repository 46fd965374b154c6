import { afterEach, expect, test } from 'vitest';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient, WatchEvent } from '../../../src/kube/kube-client.ts';
import { defineResource, type KubeObject } from '../../../src/kube/resource.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { json, reset, ScriptedServer, silence, type Answer } from '../../support/scripted-server.ts';

const THINGS = defineResource<KubeObject>({
  group: 'test.dev',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
});
const REF = { namespace: 'ns', name: 'a' };
const OBJECT = { metadata: { ...REF, uid: 'u', resourceVersion: '7', labels: { x: 'y' } } };

interface Rig {
  readonly server: ScriptedServer;
  readonly client: KubeClient;
  readonly clock: ManualClock;
  readonly codes: string[];
}

const opened: Rig[] = [];

afterEach(async () => {
  for (const { client, server } of opened.splice(0)) {
    await client.close();
    await server.close();
  }
});

async function rig(...answers: Answer[]): Promise<Rig> {
  const server = await ScriptedServer.start(...answers);
  const clock = new ManualClock();
  const codes: string[] = [];
  const metrics = {
    ...noMetrics,
    request: (verb: string, _: string, code: string) => codes.push(`${verb} ${code}`),
  };
  const client = connect({ config: server.config(), clock, random: () => 0.5, metrics });
  const made = { server, client, clock, codes };
  opened.push(made);
  return made;
}

/** Lets time pass until the promise has an outcome: real sockets answer whenever they do. */
async function outcome<R>(clock: ManualClock, promise: Promise<R>): Promise<R> {
  const state = { pending: true };
  const watched = promise.finally(() => {
    state.pending = false;
  });
  watched.catch(() => undefined);
  while (state.pending) {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    await clock.advance(50);
  }
  return watched;
}

test('requests carry path, query and token as the API server expects them', async () => {
  const { server, client, clock } = await rig(json(200, { metadata: { resourceVersion: '9' }, items: [] }));
  await outcome(
    clock,
    client.list(THINGS, { namespace: 'ns', labelSelector: 'a=b,c', limit: 5, resourceVersion: '0' }),
  );
  await outcome(clock, client.replaceStatus(THINGS, { ...OBJECT, status: { ok: true } } as KubeObject));
  await outcome(clock, client.mergePatch(THINGS, REF, { x: null }));
  await outcome(clock, client.delete(THINGS, REF, { uid: 'u' }));
  expect(
    server.requests.map(({ method, url, contentType, body }) => ({ method, url, contentType, body })),
  ).toEqual([
    {
      method: 'GET',
      url: '/apis/test.dev/v1/namespaces/ns/things?labelSelector=a%3Db%2Cc&limit=5&resourceVersion=0',
      contentType: undefined,
      body: '',
    },
    {
      method: 'PUT',
      url: '/apis/test.dev/v1/namespaces/ns/things/a/status',
      contentType: 'application/json',
      body: '{"metadata":{"name":"a","namespace":"ns","uid":"u","resourceVersion":"7"},"status":{"ok":true},"apiVersion":"test.dev/v1","kind":"Thing"}',
    },
    {
      method: 'PATCH',
      url: '/apis/test.dev/v1/namespaces/ns/things/a',
      contentType: 'application/merge-patch+json',
      body: '{"x":null}',
    },
    {
      method: 'DELETE',
      url: '/apis/test.dev/v1/namespaces/ns/things/a',
      contentType: 'application/json',
      body: '{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"u"}}',
    },
  ]);
  expect(server.requests.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
});

test.each([
  { name: 'a busy server', answer: json(429, { reason: 'TooManyRequests' }) },
  { name: 'a broken server', answer: json(503, {}) },
  { name: 'a broken connection', answer: reset },
])('a read is tried again after $name, a write is not', async ({ answer }) => {
  const { server, client, clock } = await rig(answer, json(200, OBJECT));
  await expect(outcome(clock, client.get(THINGS, REF))).resolves.toEqual(OBJECT);
  expect(server.requests).toHaveLength(2);

  const second = await rig(answer, json(200, OBJECT));
  await expect(outcome(second.clock, second.client.replace(THINGS, OBJECT))).rejects.toMatchObject({
    retryable: true,
  });
  expect(second.server.requests).toHaveLength(1);
});

test('a read waits as long as the server asks, and gives up after four tries', async () => {
  const { server, client, clock } = await rig(json(429, {}, { 'retry-after': '2' }));
  const reading = outcome(clock, client.get(THINGS, REF));
  await expect(reading).rejects.toMatchObject({ status: 429, retryAfterMs: 2_000 });
  expect(server.requests).toHaveLength(4);
  expect(clock.monotonicMillis()).toBeGreaterThanOrEqual(6_000);
});

test('what the server refuses for good is not tried again', async () => {
  const status = { kind: 'Status', reason: 'Forbidden', message: 'no rights', code: 403 };
  const { server, client, clock, codes } = await rig(json(403, status));
  await expect(outcome(clock, client.get(THINGS, REF))).rejects.toMatchObject({
    status: 403,
    reason: 'Forbidden',
    message: 'no rights',
    retryable: false,
  });
  expect(server.requests).toHaveLength(1);
  expect(codes).toEqual(['get 403']);
});

test('a server that does not answer is given up at the deadline', async () => {
  const { client, clock, codes } = await rig(silence);
  await expect(outcome(clock, client.get(THINGS, REF, { timeoutMs: 5_000 }))).rejects.toMatchObject({
    reason: 'Timeout',
    retryable: true,
  });
  expect(clock.monotonicMillis()).toBeGreaterThanOrEqual(5_000);
  expect(codes).toEqual(['get <error>']);
});

test('a request ends with the reason of its signal, and leaves no timer', async () => {
  const { client, clock } = await rig(silence);
  const abort = new AbortController();
  const reading = client.get(THINGS, REF, { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  expect(clock.pendingTimers).toBe(0);
});

test('a write whose time ran out behind a busy connection ends then, and is not sent later', async () => {
  const held: (() => void)[] = [];
  const server = await ScriptedServer.start((request, response) => {
    if (request.url.endsWith('/slow')) held.push(() => response.end(JSON.stringify(OBJECT)));
    else response.end(JSON.stringify(OBJECT));
  });
  const clock = new ManualClock();
  const client = connect({ config: server.config(), clock, random: () => 0.5, connections: 1 });
  opened.push({ server, client, clock, codes: [] });
  const slow = client.get(THINGS, { namespace: 'ns', name: 'slow' }, { timeoutMs: 1e9 });
  while (held.length === 0) await settle();
  const abort = new AbortController();
  const write = client.replace(THINGS, OBJECT, { signal: abort.signal });
  await settle();
  abort.abort(new Error('too late'));
  await expect(write).rejects.toThrow('too late');
  held[0]?.();
  await slow;
  await client.get(THINGS, REF);
  expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
});

test('a refused token is read anew once, and the request sent again', async () => {
  const server = await ScriptedServer.start(json(401, {}), json(200, OBJECT));
  const clock = new ManualClock();
  const config = server.config('old');
  const client = connect({ config, clock, random: () => 0.5 });
  opened.push({ server, client, clock, codes: [] });
  await clock.advance(10_000);
  const ignored = await outcome(
    clock,
    client.get(THINGS, REF).catch((error: unknown) => error),
  );
  // The credentials had just been read, so that they are not read again at once.
  expect(ignored).toMatchObject({ status: 401 });
  config.users = [{ name: 'test', token: 'new' }];
  await clock.advance(61_000);
  await expect(outcome(clock, client.replace(THINGS, OBJECT))).resolves.toEqual(OBJECT);
  expect(server.requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new']);
});

test('a write that the gate stops is never sent', async () => {
  const { server, client } = await rig(json(200, OBJECT));
  const beforeWrite = (): void => {
    throw new Error('not the leader');
  };
  await expect(client.replace(THINGS, OBJECT, { beforeWrite })).rejects.toThrow('not the leader');
  expect(server.requests).toEqual([]);
});

test('the client’s own limit spreads requests', async () => {
  const server = await ScriptedServer.start(json(200, OBJECT));
  const clock = new ManualClock();
  const client = connect({
    config: server.config(),
    clock,
    random: () => 0.5,
    limit: { perSecond: 10, burst: 2 },
  });
  opened.push({ server, client, clock, codes: [] });
  await outcome(clock, Promise.all(Array.from({ length: 12 }, () => client.get(THINGS, REF))));
  expect(clock.monotonicMillis()).toBeGreaterThanOrEqual(1_000);
});

test('a watch yields whole events however the bytes arrive', async () => {
  const line = (name: string): string =>
    `${JSON.stringify({ type: 'ADDED', object: { metadata: { name, resourceVersion: '8' } } })}\n`;
  const bytes = Buffer.from(`${line('é')}${line('b')}\n${line('c').slice(0, 20)}`);
  const { client } = await rig((_, response) => {
    response.writeHead(200);
    const send = (at: number): void => {
      if (at >= bytes.length) response.end();
      else response.write(bytes.subarray(at, at + 7), () => setImmediate(send, at + 7));
    };
    send(0);
  });
  const names: string[] = [];
  const events = await client.watch(THINGS, { namespace: 'ns', resourceVersion: '7', timeoutSeconds: 300 });
  for await (const event of events) if (event.type === 'ADDED') names.push(event.object.metadata.name);
  expect(names).toEqual(['é', 'b']);
});

test.each([
  { name: 'a status', answer: json(410, { reason: 'Expired' }), expected: { status: 410 } },
  {
    name: 'no JSON',
    answer: (_: unknown, r: { end: (t: string) => void }) => r.end('hello\n'),
    expected: { reason: 'BadAnswer' },
  },
])('a watch that is answered with $name says so', async ({ answer, expected }) => {
  const { client } = await rig(answer);
  const drain = async (): Promise<void> => {
    const events: AsyncIterable<WatchEvent<KubeObject>> = await client.watch(THINGS, {
      resourceVersion: '7',
      timeoutSeconds: 300,
    });
    for await (const event of events) void event;
  };
  await expect(drain()).rejects.toMatchObject(expected);
});

test('a watch ends when its signal does, also while nothing comes', async () => {
  const { client } = await rig((_, response) => {
    response.writeHead(200);
    response.flushHeaders();
  });
  const abort = new AbortController();
  const events = await client.watch(THINGS, {
    resourceVersion: '7',
    timeoutSeconds: 300,
    signal: abort.signal,
  });
  const drained = (async () => {
    for await (const event of events) void event;
  })();
  await settle();
  abort.abort(new Error('over'));
  await expect(drained).rejects.toThrow('over');
});
