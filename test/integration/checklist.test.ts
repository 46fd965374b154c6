/** agent-protocol.md §11, "unmodified agent works": a test for each line, on one whole operator. */
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostRolloutRecordResource } from '../../src/api/kinds/resources.ts';
import { eventEnvelopeSchema } from '../../src/api/wire/events.ts';
import { WireHost } from '../support/agent-port.ts';
import { newHostKey, type TestHost } from '../support/enrolment.ts';
import { asText, signed } from '../support/release.ts';
import { priorOf, smallFleetDocuments, targetOf, type SmallFleet } from '../support/small-fleet.ts';
import { certificateIn } from './support/enrolment-room.ts';
import { ENROLLING, EnrolmentSite } from './support/enrolment-site.ts';
import type { HandHost } from './support/hand-host.ts';
import { OperatorRoom } from './support/operator-room.ts';

const NAMES = ['web-01', 'web-02', 'web-03', 'web-04', 'web-05'];
const ID = `stable@${'1'.repeat(40)}`;

let room: OperatorRoom;
let ci: EnrolmentSite;
let key: TestHost;
let fleet: SmallFleet;
let documents: ReadonlyMap<string, string>;
let ready: WireHost;

beforeAll(async () => {
  room = await OperatorRoom.open({ fleet: { agents: ENROLLING } });
  ci = new EnrolmentSite(room.client, room.namespace, () => room.clock.now());
  key = newHostKey('web-01');
  fleet = { channels: { stable: { waves: [NAMES] } }, pubkeys: { 'web-01': key.pubkey } };
  await ci.trust();
  ready = await WireHost.of({ port: room.agentPort, ca: room.agentCa }, 'web-01');
});

afterAll(async () => {
  ready.close();
  await room.close();
});

test('503 body text, before anything is in force', async () => {
  const stranger = new WireHost(room.agentPort, room.agentCa.certPem);
  const answer = await stranger.post('/v1/enroll', {});
  stranger.close();
  expect([answer.status, answer.headers['retry-after'], answer.body]).toEqual([
    503,
    '30',
    '{"error":"control plane not ready","reason":"awaiting first signed artifact"}',
  ]);
  await ci.publishNonces();
  await ci.publishRevocations({});
  documents = smallFleetDocuments(fleet, room.clock.now());
  await room.site.put(asText(signed(documents)));
  // Until the Fleet names the agents’ CA, a certificate cannot be checked.
  await expect.poll(async () => (await ready.get('/v1/whoami').catch(() => undefined))?.status).toBe(200);
  await expect.poll(async () => (await room.rollout())?.status?.state).toBe('Active');
});

test('TLS with optional client certificate', async () => {
  const anonymous = connectTls({
    port: room.agentPort,
    host: '127.0.0.1',
    ca: room.agentCa.certPem,
    servername: 'localhost',
  });
  await once(anonymous, 'secureConnect');
  expect(anonymous.authorized).toBe(true);
  anonymous.destroy();
});

test('enroll checks, leaf with SAN; ed25519 client certificates; common-name parsing', async () => {
  const token = ci.token(key);
  await ci.publishNonces();
  const csrPem = await key.csr();
  const stranger = new WireHost(room.agentPort, room.agentCa.certPem);
  await expect.poll(async () => (await stranger.post('/v1/enroll', { token, csrPem: 'x' })).status).toBe(400);
  const answer = await stranger.post('/v1/enroll', { token, csrPem });
  stranger.close();
  expect(answer.status).toBe(200);
  const certificate = { certPem: certificateIn(answer).certPem, keyPem: key.key.keyPem };
  const agent = new WireHost(room.agentPort, room.agentCa.certPem, certificate);
  const body = { hostname: 'web-01', at: room.clock.now() };
  expect((await agent.post('/v1/agent/heartbeat', body)).status).toBe(200);
  expect((await agent.post('/v1/agent/heartbeat', { ...body, hostname: 'web-02' })).status).toBe(403);
  agent.close();
});

test('the protocol header is never required', async () => {
  expect((await ready.get('/v1/fleet.resolved')).status).toBe(200);
  expect((await ready.get('/v1/fleet.resolved', { 'x-nixfleet-protocol': '1' })).status).toBe(200);
});

test('byte-exact fleet and manifest with raw signatures, “@” plain and escaped', async () => {
  const files = signed(documents);
  const served = async (path: string): Promise<Buffer> => Buffer.from((await ready.get(path)).body, 'latin1');
  expect(await served('/v1/fleet.resolved')).toEqual(files.get('fleet.resolved.json'));
  expect(await served('/v1/fleet.resolved/sig')).toEqual(files.get('fleet.resolved.json.sig'));
  for (const id of [ID, ID.replace('@', '%40')]) {
    expect(await served(`/v1/rollouts/${id}`)).toEqual(files.get('stable.manifest.json'));
    expect(await served(`/v1/rollouts/${id}/sig`)).toEqual(files.get('stable.manifest.json.sig'));
  }
});

test('manifest.fleetResolvedHash matches the served fleet', async () => {
  const { sha256Hex } = await import('../../src/core/artifacts/hash.ts');
  const { canonicalize } = await import('../../src/core/artifacts/canonical-json.ts');
  const canonical = canonicalize((await ready.get('/v1/fleet.resolved')).body);
  const manifest = JSON.parse((await ready.get(`/v1/rollouts/${ID}`)).body) as { fleetResolvedHash: string };
  expect(canonical.ok && sha256Hex(canonical.canonical)).toBe(manifest.fleetResolvedHash);
});

test('the long poll really holds', async () => {
  const host = await room.host('web-05');
  let answered = false;
  const poll = host.wire.get('/v1/agent/dispatch?wait=2').then((answer) => {
    answered = true;
    return answer;
  });
  await host.heartbeat(); // answered in the meantime
  expect(answered).toBe(false);
  expect((await poll).status).toBe(204);
});

/** A host that has settled and holds its dispatch. */
async function dispatched(name: string): Promise<HandHost> {
  const host = await room.host(name);
  await host.heartbeat();
  room.clock.leap(56_000);
  await host.heartbeat();
  await host.dispatched();
  return host;
}

test('target_closure equals the manifest’s; a dispatch is sent again while Pending, no sooner than 15 s', async () => {
  const host = await room.host('web-02');
  await host.heartbeat();
  room.clock.leap(56_000);
  await host.heartbeat();
  const first = await host.dispatched();
  expect(first.target_closure).toBe(targetOf('web-02'));
  expect(await host.look()).toBeUndefined();
  room.clock.leap(15_000);
  expect(await host.dispatched()).toEqual(first);
});

test('events: 204 for every well-formed body, duplicates by seq are dropped, what is promised is stored before', async () => {
  const host = await dispatched('web-03');
  expect(
    await host.say('DispatchAck', { currentClosureAtDispatch: targetOf('web-03'), receivedAt: host.now }),
  ).toBe(204);
  const live = await room.record('web-03');
  const stored = (live?.status?.inbox ?? []).length + (live?.status?.lastEventSeq ?? 0);
  expect(stored).toBeGreaterThan(0);
  const again = { kind: 'DispatchAck', currentClosureAtDispatch: 'x', receivedAt: host.now, seq: 1 };
  const repeat = { hostname: 'web-03', rolloutId: ID, event: again };
  expect((await host.wire.post('/v1/agent/events', repeat)).status).toBe(204);
  for (const rolloutId of [ID, 'stable@ffff', 'no such rollout']) {
    const event = {
      kind: 'RollbackComplete',
      revertedToClosure: 'x',
      exitCode: 0,
      completedAt: host.now,
      seq: 99,
    };
    expect((await host.wire.post('/v1/agent/events', { hostname: 'web-03', rolloutId, event })).status).toBe(
      204,
    );
  }
  await expect.poll(() => room.state('web-03')).toBe('Activating');
});

test('repeated probe events, unknown fields and nanoseconds are accepted', async () => {
  const host = await room.host('web-03');
  const at = host.now.replace(/(\.\d+)?Z$/, '.123456789Z');
  expect(
    await host.say('ActivationCompleted', {
      observedCurrentClosure: targetOf('web-03'),
      exitCode: 0,
      completedAt: at,
      novel: [1],
    }),
  ).toBe(204);
  const probe = {
    probeName: 'nginx',
    mode: 'enforce',
    status: 'pass',
    observedAt: at,
    extra: { deep: true },
  };
  for (let count = 0; count < 3; count += 1) expect(await host.say('ProbeResult', probe)).toBe(204);
  await expect.poll(() => room.state('web-03')).toBe('Soaking');
});

test('the twelve kinds of §1.4 and no other; snake_case for heartbeat and dispatch, camelCase elsewhere', async () => {
  const host = await room.host('web-03');
  const at = host.now;
  const kinds: Record<string, object> = {
    DispatchAck: { currentClosureAtDispatch: 'x', receivedAt: at },
    ActivationStarted: { startedAt: at, switchMethod: 'switch-to-configuration' },
    ActivationCompleted: { observedCurrentClosure: 'x', exitCode: 0, completedAt: at },
    ActivationFailed: { exitCode: 1, stderrTail: '', failedAt: at },
    ActivationDeferred: { component: 'dbus', deferredAt: at },
    ProbeTopologyDeclared: {
      probes: [{ probeName: 'nginx', kind: 'http', mode: 'enforce' }],
      declaredAt: at,
    },
    ProbeObservedFirst: { probeName: 'nginx', mode: 'enforce', observedAt: at },
    ProbeResult: { probeName: 'nginx', mode: 'enforce', status: 'pass', observedAt: at },
    ProbeFailureFirst: { probeName: 'nginx', mode: 'enforce', firstFailedAt: at },
    Failed: { failedAt: at, sustainedDurationSecs: 121, failingProbes: ['nginx'], policyApplied: 'halt' },
    RollbackComplete: { revertedToClosure: 'x', exitCode: 0, completedAt: at },
    Converged: { convergedAt: at, currentClosure: 'x' },
  };
  for (const [kind, fields] of Object.entries(kinds)) {
    const envelope = { hostname: 'web-03', rolloutId: ID, event: { kind, ...fields, seq: 1 } };
    expect(eventEnvelopeSchema.safeParse(envelope).success, kind).toBe(true);
    expect((await host.wire.post('/v1/agent/events', envelope)).status, kind).toBe(204);
  }
  const novel = { hostname: 'web-03', rolloutId: ID, event: { kind: 'HostUnreachable', seq: 1 } };
  expect((await host.wire.post('/v1/agent/events', novel)).status).toBe(422);
  const camel = { hostname: 'web-03', currentClosure: 'x', at };
  expect((await host.wire.post('/v1/agent/heartbeat', camel)).body).toContain('"received_at"');
});

test('a heartbeat gets snapshots of all active records, and lastEventSeq never falls', async () => {
  const host = await room.host('web-03');
  const seqs: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    const snapshots = await host.heartbeat();
    expect(snapshots.map(({ rolloutId, state }) => [rolloutId, state])).toEqual([[ID, 'Soaking']]);
    seqs.push(snapshots[0]?.lastEventSeq ?? 0);
  }
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(seqs[0]).toBeGreaterThanOrEqual(2);
});

test('a heartbeat on the target synthesises what the host could not say', async () => {
  const host = await room.host('web-04');
  host.closure = targetOf('web-04');
  expect(await host.heartbeat()).toEqual([]);
  await expect.poll(() => room.state('web-04')).toBe('Converged');
});

test('nothing is dispatched under signatures that agents would refuse as older than an hour', async () => {
  room.clock.leap(60 * 60_000);
  const host = await room.host('web-05');
  host.closure = priorOf('web-05');
  await host.heartbeat();
  await expect.poll(() => room.gates('web-05')).toContain('artifact-stale');
  const records = await room.client.list(hostRolloutRecordResource, { namespace: room.namespace });
  expect(
    records.items.find(({ spec }) => spec.hostname === 'web-05')?.status?.dispatch?.deliveredAt,
  ).toBeUndefined();
});
