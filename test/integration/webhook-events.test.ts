import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource } from '../../src/api/kinds/resources.ts';
import type { Timestamp } from '../../src/api/time.ts';
import type { AgentEvent } from '../../src/api/wire/events.ts';
import type { WireAnswer, WireHost } from '../support/agent-port.ts';
import { REF, ROLLOUT_ID, TARGET } from '../support/fleet-objects.ts';
import { QUEUED, WebhookRoom } from './support/webhook-room.ts';

const mark = { queuedAt: QUEUED, term: 1, deliveredAt: QUEUED, lastDeliveredAt: QUEUED };

let room: WebhookRoom;

beforeEach(async () => {
  room = await WebhookRoom.open('events');
});

afterEach(() => room.close());

function post(event: AgentEvent, host: WireHost = room.web01, rolloutId = ROLLOUT_ID): Promise<WireAnswer> {
  return host.post('/v1/agent/events', { hostname: 'web-01', rolloutId, event });
}

function ack(seq: number): AgentEvent {
  return { kind: 'DispatchAck', currentClosureAtDispatch: TARGET, receivedAt: QUEUED, seq };
}

function started(seq: number): AgentEvent {
  const startedAt = '2026-06-01T10:00:02.500Z' as Timestamp;
  return { kind: 'ActivationStarted', startedAt, switchMethod: 'switch-to-configuration', seq };
}

function completed(seq: number): AgentEvent {
  const completedAt = '2026-06-01T10:00:02.600Z' as Timestamp;
  return { kind: 'ActivationCompleted', observedCurrentClosure: TARGET, exitCode: 0, completedAt, seq };
}

function probe(status: 'pass' | 'fail', seq: number): AgentEvent {
  const observedAt = '2026-06-01T10:00:20Z' as Timestamp;
  return { kind: 'ProbeResult', probeName: 'nginx', mode: 'enforce', status, observedAt, seq };
}

async function inboxOf(record: HostRolloutRecord): Promise<readonly (string | number | undefined)[]> {
  const { status } = await room.objects.readRecord(record);
  return (status?.inbox ?? []).map(({ seq, event }) => seq ?? event.kind);
}

async function activeRecord(): Promise<HostRolloutRecord> {
  await room.objects.fleet();
  return room.objects.record(await room.objects.rollout(), { dispatch: mark });
}

test("the worked example's events are stored in order, each under a 204 with nothing in it", async () => {
  const record = await activeRecord();
  await room.begin();
  const wire = [
    `{"kind":"DispatchAck","currentClosureAtDispatch":"${TARGET}","receivedAt":"2026-06-01T10:00:00Z","seq":1}`,
    '{"kind":"ActivationStarted","startedAt":"2026-06-01T10:00:02.5Z","switchMethod":"switch-to-configuration","seq":2}',
    `{"kind":"ActivationCompleted","observedCurrentClosure":"${TARGET}","exitCode":0,"completedAt":"2026-06-01T10:00:02.6Z","seq":3}`,
    '{"kind":"ProbeTopologyDeclared","probes":[{"probeName":"nginx","kind":"http","mode":"enforce"}],"declaredAt":"2026-06-01T10:00:20Z","seq":4}',
    '{"kind":"ProbeObservedFirst","probeName":"nginx","mode":"enforce","observedAt":"2026-06-01T10:00:20Z","seq":5}',
    '{"kind":"ProbeResult","probeName":"nginx","mode":"enforce","status":"pass","observedAt":"2026-06-01T10:00:20Z","seq":6}',
  ];
  for (const event of wire) {
    const body = `{"hostname":"web-01","rolloutId":"${ROLLOUT_ID}","event":${event}}`;
    const answer = await room.web01.post('/v1/agent/events', body);
    expect([answer.status, answer.body]).toEqual([204, '']);
  }
  // A declared topology changes nothing that anybody reads.
  expect(await inboxOf(record)).toEqual([1, 2, 3, 5, 6]);
  expect(room.replica.drops).toEqual(['no-change']);
  const { status } = await room.objects.readRecord(record);
  expect(status?.inbox?.[1]?.event).toEqual({
    kind: 'ActivationStarted',
    startedAt: '2026-06-01T10:00:02.500Z',
    switchMethod: 'switch-to-configuration',
    seq: 2,
  });
  expect([status?.state, status?.lastEventSeq]).toEqual(['Pending', 0]);
});

describe('events that are answered 204 and change nothing', () => {
  test('of a rollout that nobody knows', async () => {
    const record = await activeRecord();
    await room.begin();
    expect((await post(ack(1), room.web01, 'stable@ffff')).status).toBe(204);
    expect((await post(ack(1), room.web01, 'not an id at all')).status).toBe(204);
    expect(room.replica.drops).toEqual(['unknown-rollout', 'unknown-rollout']);
    expect(await inboxOf(record)).toEqual([]);
  });

  test('with a sequence number that was seen before, in the record or in its inbox', async () => {
    const record = await activeRecord();
    await room.objects.setRecord(record, { lastEventSeq: 5 });
    await room.begin();
    for (const seq of [0, 4, 5]) expect((await post(ack(seq))).status).toBe(204);
    expect((await post(ack(6))).status).toBe(204);
    expect((await post(ack(6))).status).toBe(204);
    expect((await post(started(6))).status).toBe(204);
    expect(room.replica.drops).toEqual(Array(5).fill('duplicate'));
    expect(await inboxOf(record)).toEqual([6]);
  });

  test('illegal in the state that the record will have', async () => {
    const record = await activeRecord();
    await room.begin();
    expect((await post(completed(1))).status).toBe(204);
    expect((await post(ack(2))).status).toBe(204);
    expect((await post(ack(3))).status).toBe(204);
    expect((await post(started(2))).status).toBe(204);
    expect(room.replica.drops).toEqual(['refused', 'refused', 'duplicate']);
    expect(await inboxOf(record)).toEqual([2]);
  });

  test('too large to be kept, or numbered beyond what can be kept', async () => {
    const record = await activeRecord();
    await room.begin();
    const closure = 'x'.repeat(100_000);
    expect((await post({ ...ack(1), currentClosureAtDispatch: closure } as AgentEvent)).status).toBe(204);
    expect((await post(ack(2 ** 60))).status).toBe(204);
    expect(room.replica.drops).toEqual(['too-large', 'too-large']);
    expect(await inboxOf(record)).toEqual([]);
  });
});

test('a full inbox is 503, and everything goes in once the leader has folded it', async () => {
  const record = await activeRecord();
  const entry = { at: QUEUED, event: { kind: 'Heartbeat', closure: 'other', at: QUEUED } };
  await room.objects.setRecord(record, { inbox: Array.from({ length: 64 }, () => entry) });
  await room.begin();
  expect((await post(ack(1))).status).toBe(503);
  expect(room.replica.drops).toEqual(['inbox-full']);
  await room.objects.setRecord(record, { inbox: [] });
  await room.replica.catchUp();
  expect((await post(ack(1))).status).toBe(204);
  expect(await inboxOf(record)).toEqual([1]);
});

test('a body over the limit, or no JSON, harms nobody: the next event is stored', async () => {
  const record = await activeRecord();
  await room.begin();
  expect((await room.web01.post('/v1/agent/events', 'x'.repeat(3_000_000))).status).toBe(413);
  expect((await room.web01.post('/v1/agent/events', '{"hostname"')).status).toBe(400);
  expect((await post(ack(1))).status).toBe(204);
  expect(await inboxOf(record)).toEqual([1]);
});

test('an event of a rollout that the cache has not heard of goes to its live record', async () => {
  await room.objects.fleet();
  await room.begin();
  await room.replica.freeze();
  const rollout = await room.objects.rollout();
  const record = await room.objects.record(rollout, { dispatch: mark });
  await room.objects.setFleet({ channels: [{ name: 'stable', ref: REF, rollout, hosts: 1 }] });
  expect((await post(ack(1))).status).toBe(204);
  expect(await inboxOf(record)).toEqual([1]);
});

test('an event goes to the newest attempt that was delivered, else to the newest', async () => {
  await room.objects.fleet();
  const first = await room.objects.record(await room.objects.rollout('Superseded', 1), { dispatch: mark });
  const second = await room.objects.record(await room.objects.rollout('Active', 2));
  await room.begin();
  expect((await post(ack(1))).status).toBe(204);
  expect([await inboxOf(first), await inboxOf(second)]).toEqual([[1], []]);
  await room.objects.setRecord(second, { dispatch: mark });
  await room.replica.catchUp();
  expect((await post(ack(1))).status).toBe(204);
  expect([await inboxOf(first), await inboxOf(second)]).toEqual([[1], [1]]);
});

describe('exactly once', () => {
  test('a lost compare-and-swap is decided again on the live record', async () => {
    const record = await activeRecord();
    await room.begin();
    await room.replica.freeze();
    await room.objects.setRecord(record, { blockedBy: [{ gate: 'host-edge', since: QUEUED }] });
    expect((await post(ack(1))).status).toBe(204);
    const { status } = await room.objects.readRecord(record);
    expect(status?.inbox).toHaveLength(1);
    expect(status?.blockedBy).toHaveLength(1);
  });

  test('nothing is refused on the word of a cache that is behind', async () => {
    const record = await activeRecord();
    const { replica: behind, host: overBehind } = await room.start();
    await behind.freeze();
    await room.begin();
    expect((await post(ack(1))).status).toBe(204);
    expect((await post(started(2), overBehind)).status).toBe(204);
    expect((await post(completed(3), overBehind)).status).toBe(204);
    expect(await inboxOf(record)).toEqual([1, 2, 3]);
    expect(behind.drops).toEqual([]);
  });

  test('nothing counts as no change on the word of a cache that is behind', async () => {
    const record = await activeRecord();
    await room.objects.setRecord(record, { state: 'Soaking', dispatch: undefined, lastEventSeq: 3 });
    await room.begin();
    expect((await post(probe('pass', 4))).status).toBe(204);
    const { replica: behind, host: overBehind } = await room.start();
    await behind.freeze();
    expect((await post(probe('fail', 5))).status).toBe(204);
    expect((await post(probe('pass', 6), overBehind)).status).toBe(204);
    expect(await inboxOf(record)).toEqual([4, 5, 6]);
  });

  test('the same event over two replicas at once is stored once', async () => {
    const record = await activeRecord();
    await room.begin();
    const { host: other } = await room.start();
    const answers = await Promise.all([post(ack(1)), post(ack(1), other), post(ack(1)), post(ack(1), other)]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    expect(await inboxOf(record)).toEqual([1]);
  });

  test('a fold by the leader in between loses nothing and repeats nothing', async () => {
    const record = await activeRecord();
    await room.begin();
    expect((await post(ack(1))).status).toBe(204);
    await room.replica.freeze();
    await room.objects.setRecord(record, {
      state: 'Activating',
      lastEventSeq: 1,
      inbox: [],
      dispatch: undefined,
    });
    expect((await post(ack(1))).status).toBe(204);
    expect((await post(started(2))).status).toBe(204);
    expect(await inboxOf(record)).toEqual([2]);
  });

  test('a restart forgets nothing', async () => {
    const record = await activeRecord();
    await room.begin();
    expect((await post(ack(1))).status).toBe(204);
    await room.replica.close();
    await room.begin();
    expect((await post(ack(1))).status).toBe(204);
    expect((await post(started(2))).status).toBe(204);
    expect(await inboxOf(record)).toEqual([1, 2]);
    expect(room.replica.drops).toEqual(['duplicate']);
  });

  test('a retry of the host that replaced the record meanwhile gets the event', async () => {
    const record = await activeRecord();
    await room.begin();
    await room.replica.freeze();
    const { rolloutRef } = record.spec;
    const retried = await room.objects.record(rolloutRef, {}, { attempt: 2 });
    room.replica.stores.records.upsertFromWrite(retried);
    // The cache still holds the old record, which was delivered and would get the event.
    await room.client.delete(hostRolloutRecordResource, record.metadata);
    expect((await post(ack(1))).status).toBe(204);
    expect(await inboxOf(retried)).toEqual([1]);
  });
});
