import { afterEach, expect, test } from 'vitest';
import { hostResource, hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { Host, HostStatus } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import { createHostController, wireHostController } from '../../src/controllers/host/controller.ts';
import { addMillis } from '../../src/api/time.ts';
import { conditionOf } from '../../src/core/conditions.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { gateWrites } from '../../src/kube/kube-client.ts';
import { FleetObjects, PRIOR, TARGET } from '../support/fleet-objects.ts';
import { openLeaderRoom, type LeaderRoom, type LeaderRoomOptions } from './support/leader-room.ts';

const HOUR = 3_600_000;
const rooms: LeaderRoom[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});

async function open(status: HostStatus, options: LeaderRoomOptions = {}) {
  let writes = 0;
  const room = await openLeaderRoom({
    ledForMs: HOUR,
    ...options,
    wrap: (client) => ({
      ...gateWrites(client, () => undefined),
      replaceStatus: async (resource, object, request) => {
        writes += 1;
        return client.replaceStatus(resource, object, request);
      },
    }),
  });
  rooms.push(room);
  const objects = new FleetObjects(room.client, room.namespace);
  await objects.fleet();
  await objects.host('web-01', status);
  const until = async (check: (host: Host) => boolean): Promise<Host> => {
    let live = await objects.readHost();
    await expect.poll(async () => check((live = await objects.readHost()))).toBe(true);
    return live;
  };
  const say = async (facts: HostStatus): Promise<void> => {
    const ref = { namespace: room.namespace, name: 'web-01' };
    await room.client.mergePatch(hostResource, ref, { status: facts }, { subresource: 'status' });
  };
  const controller = createHostController(room.context);
  room.start(controller, wireHostController);
  return { room, objects, until, say, controller, writes: () => writes };
}

async function declare(room: LeaderRoom, declaredClosure: string): Promise<void> {
  const ref = { namespace: room.namespace, name: 'web-01' };
  await room.client.mergePatch(hostResource, ref, { spec: { declaredClosure } });
}

/** A record that its Rollout owns. */
async function join(room: LeaderRoom, objects: FleetObjects): Promise<HostRolloutRecord> {
  const name = await objects.rollout();
  const { metadata } = await room.client.get(rolloutResource, { namespace: room.namespace, name });
  const record = await objects.record(name);
  const ownerReferences = [
    { apiVersion: 'nixfleet.dev/v1alpha1', kind: 'Rollout', name, uid: metadata.uid ?? '' },
  ];
  return room.client.mergePatch(hostRolloutRecordResource, record.metadata, {
    metadata: { ownerReferences },
  });
}

const longAgo = (): HostStatus => ({ lastSeenTime: addMillis(systemClock.now(), -HOUR), closure: PRIOR });
const justNow = (): HostStatus => ({ lastSeenTime: systemClock.now(), closure: PRIOR });

test('D7: a silent host is offline, and online again with its next heartbeat; both are told', async () => {
  const { room, until, say } = await open(longAgo());
  const offline = await until(({ status }) => status?.offline === true);
  expect(conditionOf(offline.status?.conditions, 'Online')).toMatchObject({
    status: 'False',
    reason: 'Silent',
  });
  expect(offline.status?.closure).toBe(PRIOR);
  await say(justNow());
  await until(({ status }) => status?.offline === false);
  expect(room.notes.map(({ reason }) => reason)).toEqual(['HostOffline', 'HostOnline']);
});

test('D7: a leader that has just come calls nobody offline', async () => {
  const { until } = await open(longAgo(), { ledForMs: 0 });
  const host = await until(({ status }) => status?.conditions !== undefined);
  expect(host.status?.offline).toBe(false);
  expect(conditionOf(host.status?.conditions, 'Online')).toMatchObject({
    status: 'Unknown',
    reason: 'NotJudgedYet',
  });
});

test('D7: silence is noticed when its time has come, without any event', async () => {
  const { until, say } = await open(justNow());
  await until(({ status }) => status?.offline === false);
  await say({ lastSeenTime: addMillis(systemClock.now(), -15 * 60_000 + 1_500) });
  await until(({ status }) => status?.offline === true);
});

test('a wrong clock is shown and told once, costs no write per heartbeat, and passes', async () => {
  const { room, until, say, writes } = await open(justNow());
  const clock = ({ status }: Host): string | undefined =>
    conditionOf(status?.conditions, 'ClockSynced')?.reason;
  await until((host) => clock(host) === 'ClockSynced');
  await say({ ...justNow(), clockSkewSeconds: -3_600 });
  const wrong = await until((host) => clock(host) === 'ClockSkew');
  expect(room.notes).toEqual([
    expect.objectContaining({
      type: 'Warning',
      reason: 'ClockSkew',
      message: conditionOf(wrong.status?.conditions, 'ClockSynced')?.message,
    }),
  ]);
  const before = writes();
  for (let second = 0; second < 5; second += 1)
    await say({ ...justNow(), clockSkewSeconds: -3_601 - second });
  const nothing: HostStatus = { ...justNow(), clockSkewSeconds: null as never };
  await say(nothing);
  await until((host) => clock(host) === 'ClockSynced');
  expect(writes() - before).toBe(1);
  expect(room.notes).toHaveLength(1);
});

test('a host shows its newest record, what it runs, and whether that is declared', async () => {
  const { room, objects, until, say } = await open(justNow());
  await declare(room, TARGET);
  const record = await join(room, objects);
  const pending = await until(({ status }) => status?.state === 'Pending');
  expect(pending.status).toMatchObject({
    rollout: record.spec.rolloutRef,
    closureShort: '00000000',
    declared: false,
  });
  await objects.setRecord(record, { state: 'Converged' });
  await say({ ...justNow(), closure: TARGET });
  const done = await until(({ status }) => status?.state === 'Converged' && status.declared === true);
  expect(conditionOf(done.status?.conditions, 'Converged')).toMatchObject({
    status: 'True',
    reason: 'Declared',
  });
});

test('a rollout that goes well costs a host two verdicts', async () => {
  const { room, objects, until, say, writes } = await open(justNow(), {
    settings: { verdictDelayMs: 1_000 },
  });
  await declare(room, TARGET);
  await until(({ status }) => status?.conditions !== undefined);
  const before = writes();
  const record = await join(room, objects);
  await until(({ status }) => status?.state === 'Pending');
  for (const state of ['Activating', 'Soaking', 'Converged'] as const)
    await objects.setRecord(record, { state });
  await say({ ...justNow(), closure: TARGET });
  await until(({ status }) => status?.state === 'Converged');
  expect(writes() - before).toBe(2);
});

test('a failure is written at once', async () => {
  const { room, objects, until } = await open(justNow(), { settings: { verdictDelayMs: 600_000 } });
  await objects.setRecord(await join(room, objects), { state: 'Failed' });
  await until(({ status }) => status?.state === 'Failed');
});
