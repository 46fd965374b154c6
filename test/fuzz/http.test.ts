/** Hostile HTTP, built on the structure of each route: nothing it brings about but the documented answers. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WireAnswer, WireHost } from '../support/agent-port.ts';
import { heapBytes, openSockets, startFuzzPort, type FuzzPort } from './support/fuzz-port.ts';
import { hostileJson, type Payload } from './support/hostile-json.ts';
import { LIMIT_MS, runs } from './support/runs.ts';

const ID = 'stable@a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
const AT = '2026-06-01T10:00:00Z';
const HEAP_SLACK_BYTES = 48 * 1024 * 1024;

let room: FuzzPort;
let baseline: { readonly sockets: number; readonly heap: number };

beforeAll(async () => {
  const sockets = openSockets();
  room = await startFuzzPort();
  baseline = { sockets, heap: heapBytes() };
});

afterAll(() => room.close());

interface Attack {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Payload | undefined;
}

const header = fc.oneof(
  fc.record({
    'x-nixfleet-protocol': fc.constantFrom('1', '+1', '2', '0', '-1', 'x', '', '99999999999999999999'),
  }),
  fc.record({
    'content-type': fc.constantFrom(
      'text/plain',
      'application/json; charset=utf-16',
      'application/x-json',
      'application/vnd.x+json',
      '',
      'application/json;'.repeat(50),
    ),
  }),
  fc.record({ 'content-encoding': fc.constantFrom('gzip', 'br', 'x') }),
  fc.record({ expect: fc.constant('200-ok') }),
  fc.record({ host: fc.constantFrom('', 'x'.repeat(300), 'evil.example') }),
  fc.record({ 'x-filler': fc.integer({ min: 1, max: 15_000 }).map((length) => 'x'.repeat(length)) }),
);
const headers = fc
  .array(header, { maxLength: 2 })
  .map((list) => Object.assign({}, ...list) as Record<string, string>);
const method = (usual: string) =>
  fc.oneof(
    { arbitrary: fc.constant(usual), weight: 6 },
    {
      arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE'),
      weight: 1,
    },
  );

function posted(path: string, body: fc.Arbitrary<Payload>): fc.Arbitrary<Attack> {
  return fc.record({ method: method('POST'), path: fc.constant(path), headers, body });
}

function got(path: fc.Arbitrary<string>): fc.Arbitrary<Attack> {
  return fc.record({ method: method('GET'), path, headers });
}

const segment = fc.oneof(
  fc.constantFrom(
    ID,
    ID.replace('@', '%40'),
    'stable@ffff',
    '%',
    '%00',
    '%2e%2e%2f',
    '..',
    'a@b@c',
    '@',
    'x'.repeat(9000),
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => encodeURIComponent(text)),
  fc.webPath().map((path) => path.slice(1)),
);
const query = fc.oneof(
  fc.constantFrom(
    '',
    'wait=0',
    'wait=-1',
    'wait=1e9',
    'wait=0&wait=1',
    'wait=',
    'wait=0x10',
    'wait=99999999999999999999999',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((text) => `wait=${encodeURIComponent(text)}`),
);

const events: readonly object[] = [
  { kind: 'DispatchAck', currentClosureAtDispatch: 'x', receivedAt: AT, seq: 1 },
  { kind: 'ActivationStarted', startedAt: AT, switchMethod: 'x', seq: 2 },
  { kind: 'ActivationCompleted', observedCurrentClosure: 'x', exitCode: 0, completedAt: AT, seq: 3 },
  { kind: 'ActivationFailed', exitCode: -1, stderrTail: 'x', failedAt: AT, seq: 3 },
  {
    kind: 'ProbeTopologyDeclared',
    probes: [{ probeName: 'nginx', kind: 'http', mode: 'enforce' }],
    declaredAt: AT,
    seq: 4,
  },
  {
    kind: 'ProbeResult',
    probeName: 'nginx',
    mode: 'enforce',
    status: 'fail',
    observedAt: AT,
    failureReason: 'x',
    subResults: [{ controlId: 'a', status: 'fail', framework: 'f', effectiveMode: 'enforce' }],
    seq: 5,
  },
  {
    kind: 'Failed',
    failedAt: AT,
    sustainedDurationSecs: 121,
    failingProbes: ['nginx'],
    policyApplied: 'halt',
    seq: 6,
  },
  { kind: 'Converged', convergedAt: AT, currentClosure: 'x', seq: 7 },
];

/** By route: what is sent, and which answers its documentation knows beside the common ones. */
const routes: Readonly<
  Record<string, { readonly attack: fc.Arbitrary<Attack>; readonly answers: readonly number[] }>
> = {
  heartbeat: {
    attack: posted(
      '/v1/agent/heartbeat',
      hostileJson({ hostname: 'web-01', rollout_id: ID, current_closure: 'x', at: AT }),
    ),
    answers: [200, 403, 503],
  },
  events: {
    attack: posted(
      '/v1/agent/events',
      fc.constantFrom(...events).chain((event) => hostileJson({ hostname: 'web-01', rolloutId: ID, event })),
    ),
    answers: [204, 403, 503],
  },
  renew: { attack: posted('/v1/agent/renew', hostileJson({ csrPem: 'x' })), answers: [] },
  dispatch: { attack: got(query.map((text) => `/v1/agent/dispatch?${text}`)), answers: [200, 204] },
  closure: { attack: got(segment.map((text) => `/v1/agent/closure/${text}`)), answers: [501] },
  rollouts: {
    attack: got(
      fc.tuple(segment, fc.constantFrom('', '/sig')).map(([id, end]) => `/v1/rollouts/${id}${end}`),
    ),
    answers: [200],
  },
  others: {
    attack: got(
      fc.oneof(
        fc.constantFrom(
          '/',
          '/v1',
          '//v1/whoami',
          '/v1/whoami/',
          '/metrics',
          '/v1/hosts',
          '/v1/fleet.resolved%00',
          '*',
        ),
        segment.map((text) => `/${text}`),
        segment.map((text) => `/healthz?${text}`),
      ),
    ),
    answers: [200],
  },
};

/** §1.1, and what Node itself refuses before a route is known. */
const COMMON = [400, 401, 404, 405, 413, 415, 417, 422, 426, 431];

function send(
  from: WireHost,
  { method: verb, path, headers: extra, body }: Attack,
): Promise<WireAnswer | 'closed'> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return from
    .send({ method: verb, path, headers: { ...type, ...extra }, setHost: false }, body)
    .catch((error: unknown) => {
      // A request that Node’s own client will not send, or a connection that was closed on a body too large to read.
      if (error instanceof Error) return 'closed';
      throw error;
    });
}

describe.each(Object.entries(routes))('%s', (_, { attack, answers }) => {
  test(
    'from a host with a certificate',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(attack, { minLength: 4, maxLength: 4 }), async (attacks) => {
          const results = await Promise.all(attacks.map((one) => send(room.insider, one)));
          for (const result of results) {
            if (result !== 'closed') expect([...COMMON, ...answers]).toContain(result.status);
          }
          room.expectIntact();
        }),
        runs(0.5),
      );
    },
    LIMIT_MS,
  );

  test(
    'from nobody: 401, 404 or 400, and not a single write',
    async () => {
      const writes = room.api.writes.length;
      await fc.assert(
        fc.asyncProperty(attack, async (one) => {
          const result = await send(room.stranger, one);
          if (result === 'closed') return;
          const allowed = one.path.startsWith('/healthz') ? [200, ...COMMON] : COMMON;
          expect(allowed).toContain(result.status);
          if (!one.path.startsWith('/healthz')) expect(result.status).not.toBe(200);
        }),
        runs(0.3),
      );
      expect(room.api.writes).toHaveLength(writes);
    },
    LIMIT_MS,
  );
});

test(
  'enroll: whatever is wrong with a request, its nonce is not burned and nothing else is written',
  async () => {
    const csrPem = await room.web01.csr();
    const writes = room.api.writes.length;
    const good = { token: room.scene.token(room.web01), csrPem };
    const attack = posted('/v1/enroll', hostileJson(good));
    await fc.assert(
      fc.asyncProperty(attack, async (one) => {
        if (one.body === JSON.stringify(good)) return;
        const result = await send(room.stranger, one);
        if (result === 'closed') return;
        // An unknown member is ignored, so that what is left can be the good request.
        if (result.status === 200) {
          expect(JSON.parse(String(one.body))).toMatchObject({ csrPem: good.csrPem });
          return;
        }
        expect([...COMMON, 409]).toContain(result.status);
      }),
      runs(2),
    );
    expect(room.api.writes.length - writes).toBeLessThanOrEqual(1);
    expect(
      room.api.writes.slice(writes).every((line) => line.startsWith('create default/burned-nonce-')),
    ).toBe(true);
  },
  LIMIT_MS,
);

test('afterwards a heartbeat is answered, and heap and sockets are back where they were', async () => {
  const body = { hostname: 'web-01', current_closure: 'x', at: AT };
  expect((await room.insider.post('/v1/agent/heartbeat', body)).status).toBe(200);
  await expect.poll(() => heapBytes() - baseline.heap, { timeout: 10_000 }).toBeLessThan(HEAP_SLACK_BYTES);
  room.insider.close();
  room.stranger.close();
  await expect.poll(openSockets, { timeout: 10_000 }).toBeLessThanOrEqual(baseline.sockets);
  expect(room.port.parked).toBe(0);
});
