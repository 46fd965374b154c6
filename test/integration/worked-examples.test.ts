/** The worked examples of agent-protocol.md §9.1 to §9.3: its bytes go in, its bytes come out, timestamps aside. */
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Timestamp } from '../../src/api/time.ts';
import { WireHost, type WireAnswer } from '../support/agent-port.ts';
import { newHostKey, newSigningKey } from '../support/enrolment.ts';
import {
  CI_SEED,
  FLEET,
  FLEET_SIGNATURE,
  HOST_SEED,
  MANIFEST,
  MANIFEST_SIGNATURE,
  NONCE,
  ORG_ROOT_SEED,
  PRIOR,
  ROLLOUT_ID,
  TARGET,
  TOKEN,
} from '../support/published-example.ts';
import { ENROLLING, EnrolmentSite } from './support/enrolment-site.ts';
import { OperatorRoom } from './support/operator-room.ts';

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

let room: OperatorRoom;
let web01: WireHost;

beforeEach(async () => {
  room = await OperatorRoom.open({
    fleet: { agents: ENROLLING },
    startAt: '2026-06-01T09:58:00Z' as Timestamp,
  });
  const keys = { orgRoot: newSigningKey(ORG_ROOT_SEED), ciKey: newSigningKey(CI_SEED) };
  const ci = new EnrolmentSite(room.client, room.namespace, () => room.clock.now(), keys);
  await ci.trust();
  ci.list(NONCE, 'web-01', '2026-06-02T09:00:00Z');
  await ci.publishNonces();
  await ci.publishRevocations({});
  await room.site.put({
    data: {
      'fleet.resolved.json': FLEET,
      'fleet.resolved.json.sig': FLEET_SIGNATURE,
      'stable.manifest.json': MANIFEST,
      'stable.manifest.json.sig': MANIFEST_SIGNATURE,
    },
  });
  await expect.poll(async () => (await room.rollout())?.status?.state).toBe('Active');
  web01 = await WireHost.of({ port: room.agentPort, ca: room.agentCa }, 'web-01');
  await expect.poll(async () => (await web01.get('/v1/whoami')).status).toBe(200);
  room.clock.leap(120_000);
});

afterEach(async () => {
  web01.close();
  await room.close();
});

/** The text with its short forms written out, as the document abbreviates them. */
function long(text: string): string {
  return text
    .replaceAll('"T"', `"${TARGET}"`)
    .replaceAll('"P"', `"${PRIOR}"`)
    .replaceAll('"R"', `"${ROLLOUT_ID}"`);
}

function timeless(text: string): string {
  return text.replaceAll(TIME, '<time>');
}

async function post(path: string, body: string): Promise<WireAnswer> {
  return web01.post(path, long(body));
}

/** Sends an event that has to be answered 204. */
async function event(body: string): Promise<void> {
  const answer = await post('/v1/agent/events', `{"hostname":"web-01","rolloutId":"R","event":${body}}`);
  expect([answer.status, answer.body]).toEqual([204, '']);
}

async function heartbeat(body: string): Promise<string> {
  const answer = await post('/v1/agent/heartbeat', body);
  expect(answer.status).toBe(200);
  return answer.body;
}

function expectBody(actual: string, expected: string): void {
  expect(timeless(actual)).toBe(timeless(long(expected)));
}

/** Reports P twice, as a host does that settles, and takes the dispatch. */
async function dispatched(): Promise<void> {
  await heartbeat('{"hostname":"web-01","current_closure":"P","at":"2026-06-01T10:00:01.120034511Z"}');
  room.clock.leap(56_000);
  await heartbeat('{"hostname":"web-01","current_closure":"P","at":"2026-06-01T10:00:57Z"}');
  const answer = await web01.get('/v1/agent/dispatch?wait=60');
  expect(answer.status).toBe(200);
  expectBody(
    answer.body,
    '{"hostname":"web-01","rollout_id":"R","target_closure":"T","soak_due_at":"2026-06-01T10:03:00Z","enqueued_at":"2026-06-01T10:00:00Z"}',
  );
}

async function untilSoaking(): Promise<void> {
  await dispatched();
  await event(
    '{"kind":"DispatchAck","currentClosureAtDispatch":"T","receivedAt":"2026-06-01T10:00:00Z","seq":1}',
  );
  await event(
    '{"kind":"ActivationStarted","startedAt":"2026-06-01T10:00:02.5Z","switchMethod":"switch-to-configuration","seq":2}',
  );
  await event(
    '{"kind":"ActivationCompleted","observedCurrentClosure":"T","exitCode":0,"completedAt":"2026-06-01T10:00:02.6Z","seq":3}',
  );
  await event(
    '{"kind":"ProbeTopologyDeclared","probes":[{"probeName":"nginx","kind":"http","mode":"enforce"}],"declaredAt":"2026-06-01T10:00:20Z","seq":4}',
  );
  await event(
    '{"kind":"ProbeObservedFirst","probeName":"nginx","mode":"enforce","observedAt":"2026-06-01T10:00:20Z","seq":5}',
  );
}

describe('§9.1', () => {
  test('enrolment: the literal token and a request of the literal key are answered with a certificate of thirty days', async () => {
    const key = newHostKey('web-01', HOST_SEED);
    const csrPem = JSON.stringify(await key.csr());
    const stranger = new WireHost(room.agentPort, room.agentCa.certPem);
    const answer = await stranger.post('/v1/enroll', `{"token":${TOKEN},"csrPem":${csrPem}}`, {
      'x-nixfleet-protocol': '1',
    });
    stranger.close();
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(
      /^\{"certPem":"-----BEGIN CERTIFICATE-----\\n[^"]+-----END CERTIFICATE-----\\n","notAfter":"2026-07-01T10:0\d:\d\dZ"\}$/,
    );
    const { certPem } = JSON.parse(answer.body) as { certPem: string };
    expect(new X509Certificate(certPem).subject).toBe('CN=agent-web-01.fleet.example');
    expect(key.pubkey).toContain('AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU');
  });

  test('the first heartbeat is answered with a Pending snapshot', async () => {
    expectBody(
      await heartbeat('{"hostname":"web-01","current_closure":"P","at":"2026-06-01T10:00:01.120034511Z"}'),
      '{"received_at":"2026-06-01T10:00:01.120034511Z","bootstrap_rollouts":[{"rolloutId":"R","hostname":"web-01","channel":"stable","state":"Pending","targetClosure":"T","dispatchedAt":"2026-06-01T09:58:00Z","soakDueAt":"2026-06-01T10:03:00Z","lastEventSeq":0}]}',
    );
  });

  test('the artifacts are served byte for byte, their signatures raw', async () => {
    const paths = ['/v1/fleet.resolved', '/v1/fleet.resolved/sig', `/v1/rollouts/${ROLLOUT_ID}`];
    const [fleet, fleetSignature, manifest] = await Promise.all(paths.map((path) => web01.get(path)));
    const signature = await web01.get(`/v1/rollouts/${ROLLOUT_ID}/sig`);
    const escaped = await web01.get(`/v1/rollouts/${ROLLOUT_ID.replace('@', '%40')}`);
    expect([fleet?.body, manifest?.body, escaped.body]).toEqual([FLEET, MANIFEST, MANIFEST]);
    expect(
      [fleetSignature, signature].map((answer) =>
        Buffer.from(answer?.body ?? '', 'latin1').toString('base64'),
      ),
    ).toEqual([FLEET_SIGNATURE, MANIFEST_SIGNATURE]);
    expect([fleet?.headers['content-type'], signature.headers['content-type']]).toEqual([
      'application/json',
      'application/octet-stream',
    ]);
  });

  test('from the dispatch to Converged', async () => {
    await untilSoaking();
    await event(
      '{"kind":"ProbeResult","probeName":"nginx","mode":"enforce","status":"pass","observedAt":"2026-06-01T10:00:20Z","seq":6}',
    );
    await expect.poll(() => room.state('web-01')).toBe('Soaking');
    const answer = await heartbeat('{"hostname":"web-01","current_closure":"T","at":"2026-06-01T10:01:01Z"}');
    expectBody(
      answer.replace(/"lastEventSeq":\d+/, '"lastEventSeq":8'),
      '{"received_at":"2026-06-01T10:01:01Z","bootstrap_rollouts":[{"rolloutId":"R","hostname":"web-01","channel":"stable","state":"Soaking","targetClosure":"T","currentClosureAtDispatch":"T","currentClosure":"T","dispatchedAt":"2026-06-01T09:58:00Z","dispatchAckedAt":"2026-06-01T10:00:00Z","activationStartedAt":"2026-06-01T10:00:02.5Z","activationCompletedAt":"2026-06-01T10:00:02.6Z","soakDueAt":"2026-06-01T10:03:00Z","lastEventSeq":8}]}',
    );
    room.clock.leap(310_000);
    const convergedAt = room.clock.now();
    await event(`{"kind":"Converged","convergedAt":"${convergedAt}","currentClosure":"T","seq":18}`);
    await expect.poll(async () => (await room.rollout())?.status?.state).toBe('Terminal');
    expect(await heartbeat('{"hostname":"web-01","current_closure":"T","at":"2026-06-01T10:04:01Z"}')).toBe(
      '{"received_at":"2026-06-01T10:04:01Z"}',
    );
  });
});

describe('§9.2', () => {
  test('a failing probe: Failed, rolled back, Reverted, and the closure in quarantine', async () => {
    await untilSoaking();
    await event(
      '{"kind":"ProbeFailureFirst","probeName":"nginx","mode":"enforce","firstFailedAt":"2026-06-01T10:00:20Z","seq":6}',
    );
    await event(
      '{"kind":"ProbeResult","probeName":"nginx","mode":"enforce","status":"fail","observedAt":"2026-06-01T10:00:20Z","failureReason":"http probe: status 502 != expected 200","seq":7}',
    );
    await event(
      '{"kind":"Failed","failedAt":"2026-06-01T10:02:21Z","sustainedDurationSecs":121,"failingProbes":["nginx"],"policyApplied":"rollback-and-halt","seq":24}',
    );
    await expect.poll(() => room.state('web-01')).toBe('Failed');
    await event(
      '{"kind":"RollbackComplete","revertedToClosure":"P","exitCode":0,"completedAt":"2026-06-01T10:02:21.2Z","seq":25}',
    );
    await expect.poll(() => room.state('web-01')).toBe('Reverted');
    expect((await room.record('web-01'))?.status).toMatchObject({ revertedTo: PRIOR, currentClosure: PRIOR });
    await expect
      .poll(async () => (await room.quarantines()).map(({ spec }) => [spec.channel, spec.closure]))
      .toEqual([['stable', TARGET]]);
    await event(
      '{"kind":"ProbeResult","probeName":"nginx","mode":"enforce","status":"fail","observedAt":"2026-06-01T10:03:20Z","seq":26}',
    );
  });

  test('a closure that cannot be realised fails with the policy of the manifest', async () => {
    await dispatched();
    await event(
      '{"kind":"DispatchAck","currentClosureAtDispatch":"T","receivedAt":"2026-06-01T10:00:00Z","seq":1}',
    );
    await event(
      '{"kind":"ActivationStarted","startedAt":"2026-06-01T10:00:02.5Z","switchMethod":"switch-to-configuration","seq":2}',
    );
    await event(
      '{"kind":"ActivationFailed","exitCode":-1,"stderrTail":"realise failed: no such path","failedAt":"2026-06-01T10:00:02.6Z","seq":3}',
    );
    await expect
      .poll(async () => (await room.record('web-01'))?.status)
      .toMatchObject({ state: 'Failed', policyApplied: 'rollback-and-halt' });
  });
});

describe('§9.3', () => {
  test('after a wipe a host that runs its target is Converged by its heartbeat, and told nothing more', async () => {
    const body = '{"hostname":"web-01","current_closure":"T","at":"2026-06-01T12:00:31Z"}';
    const first = await heartbeat(body);
    expect(['{"received_at":"2026-06-01T12:00:31Z"}']).toContain(first);
    await expect.poll(() => room.state('web-01')).toBe('Converged');
    await expect.poll(async () => (await room.rollout())?.status?.state).toBe('Terminal');
    expect((await room.record('web-01'))?.status).toMatchObject({ lastEventSeq: 3, currentClosure: TARGET });
    expect(await heartbeat(body)).toBe('{"received_at":"2026-06-01T12:00:31Z"}');
    expect((await web01.get('/v1/agent/dispatch?wait=0')).status).toBe(204);
  });
});
