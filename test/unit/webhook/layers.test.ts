import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BODY_MAX_BYTES } from '../../../src/webhook/body.ts';
import type { ReleaseView } from '../../../src/webhook/release-view.ts';
import { someRelease, startAgentPort, WireHost, type AgentPort } from '../../support/agent-port.ts';
import { at, fleet, host, ROLLOUT_ID, unreachable } from './support.ts';

let port: AgentPort;
let web01: WireHost;
let nobody: WireHost;
let release: ReleaseView | undefined;

beforeEach(async () => {
  release = someRelease;
  port = await startAgentPort({ client: unreachable, release: () => release });
  port.stores.fleets.applyList([fleet()], '10', 0);
  web01 = await WireHost.of(port, 'web-01');
  nobody = new WireHost(port.port, port.ca.certPem);
});

afterEach(async () => {
  web01.close();
  nobody.close();
  await port.close();
});

const heartbeat = { hostname: 'web-01', at: '2026-06-01T10:00:00Z' };
const envelope = {
  hostname: 'web-01',
  rolloutId: ROLLOUT_ID,
  event: { kind: 'Converged', convergedAt: '2026-06-01T10:00:00Z', currentClosure: 'x', seq: 1 },
};

describe('the layers, outermost first', () => {
  test('without a release in force everything but healthz answers the 503 that enrolling agents look for', async () => {
    release = undefined;
    for (const path of ['/v1/whoami', '/v1/enroll', '/v1/agent/dispatch', '/nowhere']) {
      const answer = await nobody.get(path, { 'x-nixfleet-protocol': '2' });
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('30');
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.body).toBe(
        '{"error":"control plane not ready","reason":"awaiting first signed artifact"}',
      );
    }
    const health = await nobody.get('/healthz', { 'x-nixfleet-protocol': '2' });
    expect([health.status, health.body]).toEqual([200, '{"ok":true,"version":"0.2.0","last_tick_at":null}']);
  });

  test.each([
    [undefined, 200],
    ['1', 200],
    ['2', 426],
    ['0', 426],
    ['one', 400],
    ['', 400],
    ['1.0', 400],
    ['-1', 400],
  ])('protocol header %j → %i', async (header, status) => {
    const answer = await web01.get(
      '/v1/whoami',
      header === undefined ? {} : { 'x-nixfleet-protocol': header },
    );
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.body).toBe('');
  });

  test('the protocol is judged before the identity', async () => {
    expect((await nobody.get('/v1/whoami', { 'x-nixfleet-protocol': '2' })).status).toBe(426);
    expect((await nobody.get('/v1/whoami')).status).toBe(401);
  });

  test.each([
    ['GET', '/v1/agent/heartbeat', 405],
    ['GET', '/v1/agent/events', 405],
    ['POST', '/v1/agent/dispatch', 405],
    ['DELETE', '/v1/fleet.resolved', 405],
    ['GET', '/', 404],
    ['POST', '/v1/enroll', 404],
    ['POST', '/v1/agent/renew', 404],
    ['GET', '/v1/hosts', 404],
    ['GET', '/v1/rollouts', 404],
    ['GET', '/metrics', 404],
    ['GET', '/v1/agent/closure/', 404],
    ['GET', '/v1/agent/heartbeat/', 404],
  ])('%s %s → %i with an empty body', async (method, path, status) => {
    const answer = await web01.send({ method, path });
    expect([answer.status, answer.body]).toEqual([status, '']);
  });
});

test('without the Fleet, whose suffix tells names apart, nobody is taken for somebody else', async () => {
  port.stores.fleets.applyList([], '11', port.stores.fleets.beginList());
  expect((await web01.post('/v1/agent/heartbeat', heartbeat)).status).toBe(503);
});

describe('identity', () => {
  test('a certificate issued before the revocation is 401 on every route of hosts', async () => {
    port.stores.hosts.applyList([host(undefined, at('23:59:59'))], '10', 0);
    const late = { notBefore: new Date('2026-06-02T00:00:00Z'), notAfter: new Date(Date.now() + 86_400_000) };
    const reissued = await WireHost.of(port, 'web-01', { validity: late });
    const early = { notBefore: new Date('2026-06-01T00:00:00Z'), notAfter: late.notAfter };
    const revoked = await WireHost.of(port, 'web-01', { validity: early });
    for (const path of [
      '/v1/whoami',
      '/v1/agent/dispatch?wait=0',
      '/v1/fleet.resolved',
      '/v1/agent/closure/x',
    ]) {
      expect([path, (await revoked.get(path)).status]).toEqual([path, 401]);
    }
    expect((await reissued.get('/v1/whoami')).status).toBe(200);
    revoked.close();
    reissued.close();
  });

  test.each(['/v1/agent/heartbeat', '/v1/agent/events'])('%s for another host is 403', async (path) => {
    const db01 = await WireHost.of(port, 'db-01');
    const answer = await db01.post(path, path.endsWith('events') ? envelope : heartbeat);
    expect([answer.status, answer.body]).toEqual([403, '']);
    db01.close();
  });

  test('a bare common name is the host itself', async () => {
    const bareName = await WireHost.of(port, 'web-01', { commonName: 'web-01' });
    expect((await bareName.post('/v1/agent/heartbeat', heartbeat)).status).toBe(200);
    bareName.close();
  });
});

describe('bodies', () => {
  test.each(['/v1/agent/heartbeat', '/v1/agent/events'])('%s: what is no JSON request', async (path) => {
    const valid = path.endsWith('events') ? envelope : heartbeat;
    const other = { 'content-type': 'text/plain' };
    expect((await web01.post(path, valid, other)).status).toBe(415);
    expect((await web01.send({ method: 'POST', path }, JSON.stringify(valid))).status).toBe(415);
    expect((await web01.post(path, '{"hostname":')).status).toBe(400);
    expect((await web01.post(path, '')).status).toBe(400);
    expect((await web01.post(path, Buffer.from('7b22ff223a317d', 'hex'))).status).toBe(400);
    expect((await web01.post(path, '\uFEFF{}')).status).toBe(400);
    expect((await web01.post(path, '[]')).status).toBe(422);
    expect((await web01.post(path, 'null')).status).toBe(422);
    expect((await web01.post(path, { hostname: 'web-01' })).status).toBe(422);
  });

  test('a body of exactly the limit is read, one byte more is 413, and the connection goes on', async () => {
    const padded = (size: number): string => {
      const text = JSON.stringify({ ...heartbeat, padding: '' });
      return text.replace('""', `"${'x'.repeat(size - text.length)}"`);
    };
    expect((await web01.post('/v1/agent/heartbeat', padded(BODY_MAX_BYTES))).status).toBe(200);
    expect((await web01.post('/v1/agent/heartbeat', padded(BODY_MAX_BYTES + 1))).status).toBe(413);
    expect((await web01.post('/v1/agent/heartbeat', heartbeat)).status).toBe(200);
  });

  test('a body that is announced as huge is refused unread', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': 1_000_000_000 };
    const answer = await web01.send({ method: 'POST', path: '/v1/agent/heartbeat', headers });
    expect([answer.status, answer.headers['connection']]).toEqual([413, 'close']);
  });

  test('unknown members are ignored, charset parameters and +json types accepted', async () => {
    const body = { ...heartbeat, agent_version: '0.2.0' };
    for (const type of ['application/json; charset=utf-8', 'application/vnd.x+json', 'Application/JSON']) {
      expect((await web01.post('/v1/agent/heartbeat', body, { 'content-type': type })).status).toBe(200);
    }
  });

  test('headers beyond 16 KiB are 431 and counted', async () => {
    const answer = await web01.get('/v1/whoami', { 'x-long': 'x'.repeat(20_000) });
    expect(answer.status).toBe(431);
    expect(port.refusedConnections).toEqual(['bad-request']);
  });
});

describe('signed artifacts', () => {
  test('the fleet is served byte for byte, its signature raw', async () => {
    const text = await web01.get('/v1/fleet.resolved');
    expect([text.status, text.body, text.headers['content-type']]).toEqual([
      200,
      '{"exact":  "bytes"}\n',
      'application/json',
    ]);
    const signature = await web01.get('/v1/fleet.resolved/sig');
    expect(signature.body).toBe('\x07'.repeat(64));
    expect(signature.headers['content-type']).toBe('application/octet-stream');
  });

  test.each(['stable@a1b2c3', 'stable%40a1b2c3'])('a manifest is found as %s', async (id) => {
    expect((await web01.get(`/v1/rollouts/${id}`)).body).toBe('{"manifest of": "stable@a1b2c3"}');
    expect((await web01.get(`/v1/rollouts/${id}/sig`)).body).toBe('\x09'.repeat(64));
  });

  test.each([
    'stable@ffff',
    'Stable@a1b2c3',
    'stable@A1B2C3',
    'stable',
    'stable@',
    'a@b@c',
    '%ff',
    '..%2Fx@a',
  ])('no manifest: %s → 404', async (id) => {
    expect((await web01.get(`/v1/rollouts/${id}`)).status).toBe(404);
    expect((await web01.get(`/v1/rollouts/${id}/sig`)).status).toBe(404);
  });

  test('a manifest that cannot be read is 502', async () => {
    release = { ...someRelease, manifest: () => Promise.reject(new Error('the ConfigMap is gone')) };
    expect((await web01.get('/v1/rollouts/stable@a1b2c3')).status).toBe(502);
  });

  test('no binary cache is proxied: 501 with a JSON body', async () => {
    const answer = await web01.get('/v1/agent/closure/abc');
    expect([answer.status, answer.headers['content-type']]).toEqual([501, 'application/json']);
    expect(() => JSON.parse(answer.body) as unknown).not.toThrow();
  });
});

describe('the long poll', () => {
  test.each([
    ['wait=0', 204],
    ['wait=x', 400],
    ['wait=', 400],
    ['wait=-1', 400],
    ['wait=1.5', 400],
    ['wait=0&wait=0', 400],
    ['wait=18446744073709551616', 400],
    ['wait=0&other=x', 204],
  ])('?%s → %i', async (query, status) => {
    expect((await web01.get(`/v1/agent/dispatch?${query}`)).status).toBe(status);
  });

  test('a second poll of a host ends the first one', async () => {
    const first = web01.get('/v1/agent/dispatch');
    await expect.poll(() => port.parked).toBe(1);
    expect((await web01.get('/v1/agent/dispatch?wait=0')).status).toBe(204);
    expect((await first).status).toBe(204);
    expect(port.parked).toBe(0);
  });

  test('a poll whose host goes away is forgotten', async () => {
    const gone = await WireHost.of(port, 'web-01');
    const held = gone.get('/v1/agent/dispatch').catch(() => 'gone');
    await expect.poll(() => port.parked).toBe(1);
    gone.close();
    expect(await held).toBe('gone');
    await expect.poll(() => port.parked).toBe(0);
  });

  test('a stop answers held polls at once and closes their connections', async () => {
    const held = web01.get('/v1/agent/dispatch?wait=60');
    await expect.poll(() => port.parked).toBe(1);
    const closed = port.close();
    const answer = await held;
    expect([answer.status, answer.headers['connection']]).toEqual([204, 'close']);
    await closed;
    expect(port.webhook.address).toBeUndefined();
  });
});

describe('while the API server is unreachable', () => {
  test('an idle host whose facts are known is answered from the cache', async () => {
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z') as ReturnType<typeof at>;
    expect((await web01.post('/v1/agent/heartbeat', heartbeat)).body).toBe(
      '{"received_at":"2026-06-01T10:00:00Z"}',
    );
    port.stores.hosts.applyList([host({ lastSeenTime: now })], '10', 0);
    expect((await web01.post('/v1/agent/heartbeat', heartbeat)).status).toBe(503);
  });

  test('an event that may be stored later is 503, so that its host keeps it', async () => {
    const answer = await web01.post('/v1/agent/events', envelope);
    expect([answer.status, answer.body]).toEqual([503, '']);
    expect(port.drops).toEqual(['api-error']);
  });
});
