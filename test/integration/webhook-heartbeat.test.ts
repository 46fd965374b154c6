import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import { hostResource, hostRolloutRecordResource } from '../../src/api/kinds/resources.ts';
import { addMillis, type Timestamp } from '../../src/api/time.ts';
import type { WireAnswer } from '../support/agent-port.ts';
import { PRIOR, ROLLOUT_ID, TARGET } from '../support/fleet-objects.ts';
import { QUEUED, WebhookRoom } from './support/webhook-room.ts';

const AT = '2026-06-01T10:00:01.120034511Z';
const ACK = {
  seq: 1,
  at: QUEUED,
  event: { kind: 'DispatchAck', currentClosureAtDispatch: TARGET, receivedAt: QUEUED, seq: 1 },
};

let room: WebhookRoom;

beforeEach(async () => {
  room = await WebhookRoom.open('heartbeat');
});

afterEach(() => room.close());

async function begin(): Promise<void> {
  await room.objects.fleet();
  await room.begin();
}

function beat(closure?: string, more: object = {}): Promise<WireAnswer> {
  const body = { hostname: 'web-01', ...(closure !== undefined && { current_closure: closure }), at: AT };
  return room.web01.post('/v1/agent/heartbeat', { ...body, ...more });
}

async function versionOfHost(): Promise<string | undefined> {
  return (await room.objects.readHost()).metadata.resourceVersion;
}

async function kindsInInbox(record: HostRolloutRecord): Promise<unknown[]> {
  return ((await room.objects.readRecord(record)).status?.inbox ?? []).map(({ event }) => event);
}

describe('facts about the host', () => {
  test('the first heartbeat says what it runs, since when, and with which certificate', async () => {
    await room.objects.host();
    await begin();
    const answer = await beat(PRIOR);
    expect([answer.status, answer.body]).toEqual([200, `{"received_at":"${AT}"}`]);
    const now = room.clock.now();
    const { status } = await room.objects.readHost();
    expect(status).toMatchObject({
      closure: PRIOR,
      closureSince: now,
      firstSeenTime: now,
      lastSeenTime: now,
    });
    expect(status?.certificate?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(status?.settledTime).toBeUndefined();
  });

  test('an unchanged host is written a few times per offline.after, a changed closure at once', async () => {
    await room.objects.host();
    await begin();
    await beat(PRIOR);
    const first = await versionOfHost();
    await room.clock.advance(50_000);
    await beat(PRIOR);
    expect(await versionOfHost()).toBe(first);
    await room.clock.advance(10_000);
    await beat(PRIOR);
    const settled = await room.objects.readHost();
    expect(settled.status?.settledTime).toBe(room.clock.now());
    for (let minute = 0; minute < 4; minute += 1) {
      await room.clock.advance(60_000);
      await beat(PRIOR);
    }
    expect(await versionOfHost()).toBe(settled.metadata.resourceVersion);
    await room.clock.advance(60_000);
    await beat(PRIOR);
    expect((await room.objects.readHost()).status?.lastSeenTime).toBe(room.clock.now());
    await room.clock.advance(1_000);
    await beat(TARGET);
    const changed = (await room.objects.readHost()).status;
    expect(changed).toMatchObject({ closure: TARGET, closureSince: room.clock.now() });
    expect(changed?.settledTime).toBe(settled.status?.settledTime);
  });

  test('a clock that goes wrong, and right again, is one write each', async () => {
    await room.objects.host();
    await begin();
    const beatAt = (behindMs: number): Promise<WireAnswer> =>
      beat(PRIOR, { at: addMillis(room.clock.now(), -behindMs) });
    const skew = async () => (await room.objects.readHost()).status?.clockSkewSeconds;
    await beatAt(0);
    const right = await versionOfHost();
    for (const ms of [1_000, 30_000, 60_000]) await beatAt(ms);
    expect([await versionOfHost(), await skew()]).toEqual([right, undefined]);
    await beatAt(3_600_000);
    const wrong = await versionOfHost();
    expect([wrong !== right, await skew()]).toEqual([true, -3_600]);
    for (const ms of [3_599_000, 61_000, 31_000]) await beatAt(ms);
    expect(await versionOfHost()).toBe(wrong);
    await beatAt(30_000);
    expect(await skew()).toBeUndefined();
  });

  test('a heartbeat without a closure leaves the known one', async () => {
    await room.objects.host('web-01', { closure: PRIOR });
    await begin();
    await beat();
    expect((await room.objects.readHost()).status?.closure).toBe(PRIOR);
  });

  test('the verdicts that the leader writes meanwhile are kept', async () => {
    const object = await room.objects.host();
    await begin();
    await room.replica.freeze();
    await room.client.replaceStatus(hostResource, {
      ...object,
      status: { state: 'Soaking', offline: false },
    });
    expect((await beat(PRIOR)).status).toBe(200);
    expect((await room.objects.readHost()).status).toMatchObject({
      closure: PRIOR,
      state: 'Soaking',
      offline: false,
    });
  });

  test('a host that nobody declared is answered and leaves no object', async () => {
    await begin();
    expect((await beat(PRIOR)).body).toBe(`{"received_at":"${AT}"}`);
    expect(room.replica.drops).toEqual(['unknown-host']);
  });
});

describe('snapshots', () => {
  test('a Pending record, as in the worked example; its soaking ends at the earliest possible time', async () => {
    await room.objects.record(await room.objects.rollout());
    await begin();
    expect((await beat(PRIOR)).body).toBe(
      `{"received_at":"${AT}","bootstrap_rollouts":[{"rolloutId":"${ROLLOUT_ID}","hostname":"web-01",` +
        `"channel":"stable","state":"Pending","targetClosure":"${TARGET}",` +
        `"dispatchedAt":"2026-06-01T09:58:00Z","soakDueAt":"${addMillis(room.clock.now(), 300_000)}",` +
        `"lastEventSeq":0}]}`,
    );
  });

  test('a Pending record with a mark is shown with the end of soaking that its dispatch names', async () => {
    await room.objects.record(await room.objects.rollout(), { dispatch: { queuedAt: QUEUED, term: 1 } });
    await begin();
    expect(JSON.parse((await beat(PRIOR)).body)).toMatchObject({
      bootstrap_rollouts: [{ state: 'Pending', soakDueAt: '2026-06-01T10:05:00Z' }],
    });
  });

  test('a Soaking record, member for member as in the worked example', async () => {
    await room.objects.record(await room.objects.rollout(), {
      state: 'Soaking',
      currentClosureAtDispatch: TARGET,
      currentClosure: TARGET,
      dispatchAckedAt: QUEUED,
      activationStartedAt: '2026-06-01T10:00:02.500Z' as Timestamp,
      activationCompletedAt: '2026-06-01T10:00:02.600Z' as Timestamp,
      soakDueAt: '2026-06-01T10:03:00Z' as Timestamp,
      lastEventSeq: 8,
    });
    await begin();
    expect((await beat(TARGET, { at: '2026-06-01T10:01:01Z' })).body).toBe(
      `{"received_at":"2026-06-01T10:01:01Z","bootstrap_rollouts":[{"rolloutId":"${ROLLOUT_ID}",` +
        `"hostname":"web-01","channel":"stable","state":"Soaking","targetClosure":"${TARGET}",` +
        `"currentClosureAtDispatch":"${TARGET}","currentClosure":"${TARGET}",` +
        `"dispatchedAt":"2026-06-01T09:58:00Z","dispatchAckedAt":"2026-06-01T10:00:00Z",` +
        `"activationStartedAt":"2026-06-01T10:00:02.500Z","activationCompletedAt":"2026-06-01T10:00:02.600Z",` +
        `"soakDueAt":"2026-06-01T10:03:00Z","lastEventSeq":8}]}`,
    );
  });

  test('an event that was answered is in the very next snapshot, folded or not', async () => {
    const rollout = await room.objects.rollout();
    const dispatch = { queuedAt: QUEUED, term: 1, deliveredAt: QUEUED, lastDeliveredAt: QUEUED };
    await room.objects.record(rollout, { dispatch });
    await begin();
    const event = ACK.event;
    await room.web01.post('/v1/agent/events', { hostname: 'web-01', rolloutId: ROLLOUT_ID, event });
    expect(JSON.parse((await beat(PRIOR)).body)).toMatchObject({
      bootstrap_rollouts: [{ state: 'Activating', lastEventSeq: 1, soakDueAt: '2026-06-01T10:05:00Z' }],
    });
  });

  test('a snapshot is made from the live record, not from a cache that is behind', async () => {
    const record = await room.objects.record(await room.objects.rollout());
    await begin();
    await room.replica.freeze();
    await room.objects.setRecord(record, { state: 'Soaking', lastEventSeq: 7 });
    expect(JSON.parse((await beat(PRIOR)).body)).toMatchObject({
      bootstrap_rollouts: [{ state: 'Soaking', lastEventSeq: 7 }],
    });
    await room.client.delete(hostRolloutRecordResource, record.metadata);
    expect((await beat(PRIOR)).body).toBe(`{"received_at":"${AT}"}`);
  });

  test('ended records, superseded rollouts and hosts on their target get none', async () => {
    await room.objects.record(await room.objects.rollout('Terminal'), {
      state: 'Converged',
      lastEventSeq: 3,
    });
    const edge = 'edge@a1b2c3';
    await room.objects.record(
      await room.objects.rollout('Superseded', 1, edge),
      {},
      { rolloutId: edge, channel: 'edge' },
    );
    const test1 = 'test@a1b2c3';
    await room.objects.record(
      await room.objects.rollout('Active', 1, test1),
      {},
      { rolloutId: test1, channel: 'test' },
    );
    await begin();
    expect((await beat(TARGET)).body).toBe(`{"received_at":"${AT}"}`);
  });

  test('right after the first delivery no Pending snapshot overtakes the acknowledgement', async () => {
    const deliveredAt = room.clock.now();
    await room.objects.record(await room.objects.rollout(), {
      dispatch: { queuedAt: QUEUED, term: 1, deliveredAt, lastDeliveredAt: deliveredAt },
    });
    await begin();
    expect((await beat(PRIOR)).body).toBe(`{"received_at":"${AT}"}`);
    await room.clock.advance(15_000);
    expect(JSON.parse((await beat(PRIOR)).body)).toHaveProperty('bootstrap_rollouts');
  });

  test('a heartbeat that names its rollout gets the replay header instead of snapshots', async () => {
    await room.objects.record(await room.objects.rollout(), { state: 'Activating', lastEventSeq: 2 });
    await begin();
    const answer = await beat(PRIOR, { rollout_id: ROLLOUT_ID });
    expect(answer.headers['x-nixfleet-replay-from']).toBe('2');
    expect(answer.body).toBe(`{"received_at":"${AT}"}`);
    expect((await beat(PRIOR)).headers['x-nixfleet-replay-from']).toBeUndefined();
    const other = await beat(PRIOR, { rollout_id: 'stable@ffff' });
    expect(other.headers['x-nixfleet-replay-from']).toBeUndefined();
  });
});

describe('recovery', () => {
  test('an Activating host on its target is Soaking in the same answer, by an entry after its events', async () => {
    const record = await room.objects.record(await room.objects.rollout(), { inbox: [ACK] });
    await begin();
    expect(JSON.parse((await beat(TARGET)).body)).toMatchObject({
      bootstrap_rollouts: [{ state: 'Soaking', currentClosure: TARGET, lastEventSeq: 2 }],
    });
    const expected = [ACK.event, { kind: 'Heartbeat', closure: TARGET, at: AT }];
    expect(await kindsInInbox(record)).toEqual(expected);
    await beat(TARGET);
    expect(await kindsInInbox(record)).toEqual(expected);
  });

  test('a Pending host on its target is left to the leader, told once', async () => {
    const record = await room.objects.record(await room.objects.rollout());
    await begin();
    for (let i = 0; i < 3; i += 1) expect((await beat(TARGET)).body).toBe(`{"received_at":"${AT}"}`);
    expect(await kindsInInbox(record)).toEqual([{ kind: 'Heartbeat', closure: TARGET, at: AT }]);
    await room.objects.setRecord(record, { inbox: [], lastReport: { closure: TARGET, at: QUEUED } });
    await beat(TARGET);
    expect(await kindsInInbox(record)).toEqual([]);
  });

  test('a Failed host that is back on what it ran before is Reverted, which needs no snapshot', async () => {
    const record = await room.objects.record(await room.objects.rollout('Failed'), {
      state: 'Failed',
      policyApplied: 'rollback-and-halt',
      currentClosureAtDispatch: TARGET,
      closureBeforeDispatch: PRIOR,
      lastEventSeq: 24,
    });
    await begin();
    expect(JSON.parse((await beat(TARGET)).body)).toMatchObject({
      bootstrap_rollouts: [{ state: 'Failed', lastEventSeq: 24 }],
    });
    expect(await kindsInInbox(record)).toEqual([]);
    expect((await beat(PRIOR)).body).toBe(`{"received_at":"${AT}"}`);
    expect(await kindsInInbox(record)).toEqual([{ kind: 'Heartbeat', closure: PRIOR, at: AT }]);
  });

  test('an entry that loses its compare-and-swap is decided again', async () => {
    const record = await room.objects.record(await room.objects.rollout(), { inbox: [ACK] });
    await begin();
    const beats = await Promise.all([beat(TARGET), beat(TARGET), beat(TARGET)]);
    expect(beats.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await kindsInInbox(record)).toHaveLength(2);
  });
});
