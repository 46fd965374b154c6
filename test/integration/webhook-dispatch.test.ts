import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostRolloutRecord, HostRolloutRecordStatus } from '../../src/api/kinds/host-rollout-record.ts';
import type { Timestamp } from '../../src/api/time.ts';
import type { WireAnswer, WireHost } from '../support/agent-port.ts';
import { ROLLOUT_ID, TARGET } from '../support/fleet-objects.ts';
import { QUEUED, WebhookRoom } from './support/webhook-room.ts';

const mark = { queuedAt: QUEUED, term: 1 };
const DELIVERY = `{"hostname":"web-01","rollout_id":"${ROLLOUT_ID}","target_closure":"${TARGET}","soak_due_at":"2026-06-01T10:05:00Z","enqueued_at":"2026-06-01T10:00:00Z"}`;

let room: WebhookRoom;

beforeEach(async () => {
  room = await WebhookRoom.open('dispatch');
});

afterEach(() => room.close());

async function pendingRecord(status: Partial<HostRolloutRecordStatus> = {}): Promise<HostRolloutRecord> {
  await room.objects.fleet();
  return room.objects.record(await room.objects.rollout(), status);
}

function poll(host: WireHost = room.web01, wait = 60): Promise<WireAnswer> {
  return host.get(`/v1/agent/dispatch?wait=${wait}`);
}

async function parked(count = 1): Promise<void> {
  await expect.poll(() => room.replica.parked).toBe(count);
}

async function dispatchOf(record: HostRolloutRecord) {
  return (await room.objects.readRecord(record)).status?.dispatch;
}

test('a mark that is there already is delivered at once, in the wire’s own spelling', async () => {
  const record = await pendingRecord({ dispatch: mark });
  await room.begin();
  const answer = await poll();
  expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
    200,
    'application/json',
    DELIVERY,
  ]);
  const now = room.clock.now();
  expect(await dispatchOf(record)).toEqual({ ...mark, deliveredAt: now, lastDeliveredAt: now });
});

test('a poll is held until a mark appears, and until nothing else', async () => {
  const record = await pendingRecord();
  await room.begin();
  let answered = false;
  const held = poll().finally(() => (answered = true));
  await parked();
  await room.clock.advance(59_000);
  await room.objects.setRecord(record, { blockedBy: [{ gate: 'host-edge', since: QUEUED }] });
  await room.replica.catchUp();
  expect(answered).toBe(false);
  await room.objects.setRecord(record, { dispatch: mark });
  expect((await held).body).toBe(DELIVERY);
  expect(room.replica.parked).toBe(0);
});

test('a poll without a mark ends with an empty 204 when its time is over, not before', async () => {
  await pendingRecord();
  await room.begin();
  let answered = false;
  const held = room.web01.get('/v1/agent/dispatch?wait=600').finally(() => (answered = true));
  await parked();
  await room.clock.advance(59_999);
  expect(answered).toBe(false);
  await room.clock.advance(1);
  const answer = await held;
  expect([answer.status, answer.body]).toEqual([204, '']);
  expect(room.clock.pendingTimers).toBe(0);
});

test('the same mark goes out again no sooner than 15 s after the last delivery, then by itself', async () => {
  const record = await pendingRecord({ dispatch: mark });
  await room.begin();
  const first = room.clock.now();
  expect((await poll()).status).toBe(200);
  let answered = false;
  const held = poll().finally(() => (answered = true));
  await parked();
  await room.clock.advance(14_999);
  expect(answered).toBe(false);
  await room.clock.advance(1);
  expect((await held).body).toBe(DELIVERY);
  expect(await dispatchOf(record)).toEqual({
    ...mark,
    deliveredAt: first,
    lastDeliveredAt: room.clock.now(),
  });
});

test('the spacing holds over a restart and over replicas', async () => {
  await pendingRecord({ dispatch: mark });
  await room.begin();
  expect((await poll()).status).toBe(200);
  await room.replica.close();
  await room.begin();
  expect((await poll(room.web01, 0)).status).toBe(204);
  await room.clock.advance(15_000);
  expect((await poll(room.web01, 0)).status).toBe(200);
});

test('two replicas that race for one mark deliver it once', async () => {
  for (let round = 0; round < 5; round += 1) {
    await room.close();
    room = await WebhookRoom.open('race');
    const record = await pendingRecord();
    const a = await room.start();
    const b = await room.start();
    const answers = Promise.all([poll(a.host), poll(b.host)]);
    await expect.poll(() => a.replica.parked + b.replica.parked).toBe(2);
    await room.objects.setRecord(record, { dispatch: mark });
    await expect.poll(() => a.replica.parked + b.replica.parked).toBe(1);
    await room.clock.advance(14_000);
    await Promise.all([a.replica.close(), b.replica.close()]);
    expect((await answers).map(({ status }) => status).toSorted((x, y) => x - y)).toEqual([200, 204]);
  }
});

describe('what is never delivered', () => {
  test.each<[string, Partial<HostRolloutRecordStatus>]>([
    ['a record without a mark', {}],
    ['a suspended mark', { dispatch: { ...mark, deliveredAt: QUEUED, suspended: true } }],
    ['a mark of an older term', { dispatch: { ...mark, term: 0 } }],
    ['a mark of a term that has not begun', { dispatch: { ...mark, term: 2 } }],
    ['a record that has left Pending', { state: 'Activating', lastEventSeq: 1, dispatch: mark }],
    [
      'a record whose acknowledgement waits in its inbox',
      {
        dispatch: { ...mark, deliveredAt: QUEUED },
        inbox: [
          {
            seq: 1,
            at: QUEUED,
            event: { kind: 'DispatchAck', currentClosureAtDispatch: TARGET, receivedAt: QUEUED, seq: 1 },
          },
        ],
      },
    ],
  ])('%s', async (_what, status) => {
    const record = await pendingRecord(status);
    await room.begin();
    const before = await room.objects.readRecord(record);
    expect((await poll(room.web01, 0)).status).toBe(204);
    expect(await room.objects.readRecord(record)).toEqual(before);
  });

  test('a mark of a superseded rollout', async () => {
    await room.objects.fleet();
    await room.objects.record(await room.objects.rollout('Superseded'), { dispatch: mark });
    await room.begin();
    expect((await poll(room.web01, 0)).status).toBe(204);
  });

  test('the mark of another host', async () => {
    await room.objects.fleet();
    const rollout = await room.objects.rollout();
    await room.objects.record(rollout, { dispatch: mark }, { hostname: 'db-01', hostRef: 'db-01' });
    await room.begin();
    expect((await poll(room.web01, 0)).status).toBe(204);
  });

  test('a mark that was withdrawn while the cache was behind', async () => {
    const record = await pendingRecord({ dispatch: mark });
    await room.begin();
    await room.replica.freeze();
    await room.objects.setRecord(record, { dispatch: undefined });
    expect((await poll(room.web01, 0)).status).toBe(204);
    expect(await dispatchOf(record)).toBeUndefined();
  });

  test('a mark of a leader whose term has just ended, whatever the cache says', async () => {
    const record = await pendingRecord({ dispatch: mark });
    await room.begin();
    await room.replica.freeze();
    await room.objects.setFleet({ term: 2 });
    expect((await poll(room.web01, 0)).status).toBe(204);
    expect((await dispatchOf(record))?.deliveredAt).toBeUndefined();
  });

  test('the target that the host runs already, until it says otherwise', async () => {
    await room.objects.host('web-01', { closure: TARGET });
    await pendingRecord({ dispatch: mark });
    await room.begin();
    const held = poll();
    await parked();
    const at = '2026-06-01T10:00:01Z';
    await room.web01.post('/v1/agent/heartbeat', { hostname: 'web-01', current_closure: 'another', at });
    expect((await held).status).toBe(200);
  });
});

test('of two marks the older one is delivered first', async () => {
  await room.objects.fleet();
  const edge = 'edge@a1b2c3';
  const late = { ...mark, queuedAt: '2026-06-01T10:00:30Z' as Timestamp };
  await room.objects.record(await room.objects.rollout(), { dispatch: late });
  await room.objects.record(
    await room.objects.rollout('Active', 1, edge),
    { dispatch: mark },
    { rolloutId: edge, channel: 'edge' },
  );
  await room.begin();
  expect(JSON.parse((await poll()).body)).toMatchObject({ rollout_id: edge });
  expect(JSON.parse((await poll()).body)).toMatchObject({ rollout_id: ROLLOUT_ID });
});
