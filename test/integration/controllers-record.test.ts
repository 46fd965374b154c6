import { afterEach, describe, expect, test } from 'vitest';
import type { HostRolloutRecord, InboxEntry } from '../../src/api/kinds/host-rollout-record.ts';
import {
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
} from '../../src/api/kinds/resources.ts';
import { addMillis } from '../../src/api/time.ts';
import { createRecordController, wireRecordController } from '../../src/controllers/record/controller.ts';
import { closedGates, type RecoveryGates } from '../../src/controllers/record/recovery-gates.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { gateWrites, type KubeClient } from '../../src/kube/kube-client.ts';
import { FleetObjects, PRIOR, TARGET } from '../support/fleet-objects.ts';
import { openLeaderRoom, type LeaderRoom, type LeaderRoomOptions } from './support/leader-room.ts';

const rooms: LeaderRoom[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});

async function open(gates: RecoveryGates = closedGates, options: LeaderRoomOptions = {}) {
  const room = await openLeaderRoom(options);
  rooms.push(room);
  const controller = createRecordController(room.context, gates);
  room.start(controller, wireRecordController);
  const objects = new FleetObjects(room.client, room.namespace);
  return { room, controller, objects, rollout: await objects.rollout() };
}

const at = systemClock.now();
const entry = (seq: number, event: InboxEntry['event'], receivedAt = systemClock.now()): InboxEntry => ({
  seq,
  at: receivedAt,
  event: { ...event, seq },
});
const ack = (seq: number) =>
  entry(seq, { kind: 'DispatchAck', currentClosureAtDispatch: TARGET, receivedAt: at });
const started = (seq: number) =>
  entry(seq, { kind: 'ActivationStarted', startedAt: at, switchMethod: 'systemd-run' });
const completed = (seq: number) =>
  entry(seq, { kind: 'ActivationCompleted', observedCurrentClosure: TARGET, exitCode: 0, completedAt: at });
const rolledBack = (seq: number) =>
  entry(seq, { kind: 'RollbackComplete', revertedToClosure: PRIOR, exitCode: 0, completedAt: at });
const heartbeat = (closure: string): InboxEntry => ({
  at: systemClock.now(),
  event: { kind: 'Heartbeat', closure, at },
});

async function eventually(
  objects: FleetObjects,
  record: HostRolloutRecord,
  check: (record: HostRolloutRecord) => boolean,
): Promise<HostRolloutRecord> {
  let live = await objects.readRecord(record);
  await expect.poll(async () => check((live = await objects.readRecord(record)))).toBe(true);
  return live;
}

const state = (record: HostRolloutRecord) => record.status?.state;

describe('a record’s inbox', () => {
  test('is folded in order: new state, no entries, history and soak end in one write', async () => {
    const { room, objects, rollout } = await open();
    const queuedAt = addMillis(at, -60_000);
    const record = await objects.record(rollout, {
      dispatch: { queuedAt, term: 1, deliveredAt: at },
      blockedBy: [],
    });
    const stored = await objects.setRecord(record, { inbox: [ack(1), started(2), completed(3)] });
    const live = await eventually(objects, record, (now) => state(now) === 'Soaking');
    expect(live.status).toMatchObject({ lastEventSeq: 3, soakDueAt: addMillis(queuedAt, 5 * 60_000) });
    expect(live.status?.inbox).toBeUndefined();
    expect(live.status?.dispatch).toBeUndefined();
    expect(live.status?.history?.map(({ from, to, seq, cause }) => [from, to, seq, cause])).toEqual([
      ['Pending', 'Activating', 1, 'DispatchAck'],
      ['Activating', 'Soaking', 3, 'ActivationCompleted'],
    ]);
    expect(live.metadata.generation).toBe(stored.metadata.generation);
    const told = room.audit.filter((line) => 'from' in line).map((line) => 'to' in line && line.to);
    expect(told).toEqual(['Activating', 'Soaking']);
    expect(room.notes.map(({ reason, type }) => [type, reason])).toEqual([
      ['Normal', 'Activating'],
      ['Normal', 'Soaking'],
    ]);
  });

  test('entries without transition wait for the next one, and no longer than the limit', async () => {
    const { objects, rollout } = await open(closedGates, { settings: { inboxMaxAgeMs: 600_000 } });
    const waiting = await objects.record(rollout, { state: 'Activating', inbox: [started(1)] });
    const old = await objects.record(
      rollout,
      { state: 'Activating', inbox: [entry(1, started(1).event, addMillis(at, -601_000))] },
      { hostname: 'web-02', hostRef: 'web-02' },
    );
    await eventually(objects, old, (now) => now.status?.lastEventSeq === 1);
    expect((await objects.readRecord(waiting)).status?.inbox).toHaveLength(1);
    await objects.setRecord(waiting, { inbox: [started(1), completed(2)] });
    await eventually(objects, waiting, (now) => state(now) === 'Soaking' && now.status?.inbox === undefined);
  });

  test('eight waiting entries wait no longer', async () => {
    const { objects, rollout } = await open(closedGates, { settings: { inboxMaxAgeMs: 600_000 } });
    const inbox = Array.from({ length: 8 }, (_, n) => started(n + 1));
    const record = await objects.record(rollout, { state: 'Activating', inbox });
    await eventually(objects, record, (now) => now.status?.lastEventSeq === 8);
  });

  test('what the webhook appends between read and write is decided, not lost', async () => {
    let interfere: (() => Promise<void>) | undefined;
    const wrap = (client: KubeClient): KubeClient => ({
      ...gateWrites(client, () => undefined),
      replaceStatus: async (resource, object, options) => {
        const first = interfere;
        interfere = undefined;
        await first?.();
        return client.replaceStatus(resource, object, options);
      },
    });
    const { objects, rollout } = await open(closedGates, { wrap });
    const record = await objects.record(rollout, {});
    interfere = async () => {
      await objects.setRecord(record, { inbox: [ack(1), started(2), completed(3)] });
    };
    await objects.setRecord(record, { inbox: [ack(1)] });
    const live = await eventually(objects, record, (now) => state(now) === 'Soaking');
    expect(live.status?.history).toHaveLength(2);
  });
});

describe('D1: a rollback', () => {
  const failed = { state: 'Failed' as const, policyApplied: 'rollback-and-halt' as const, lastEventSeq: 3 };

  test('puts the target into quarantine once, and takes the effect off the list', async () => {
    const { room, objects, rollout } = await open();
    const record = await objects.record(rollout, { ...failed, inbox: [rolledBack(4)] });
    const live = await eventually(
      objects,
      record,
      (now) => state(now) === 'Reverted' && now.status?.pendingEffects === undefined,
    );
    const { items } = await room.client.list(quarantinedClosureResource, { namespace: room.namespace });
    expect(items.map(({ spec }) => [spec.channel, spec.closure, spec.hostname])).toEqual([
      ['stable', TARGET, 'web-01'],
    ]);
    expect(live.status?.revertedTo).toBe(PRIOR);
    expect(room.notes.map(({ reason }) => reason)).toEqual(['Reverted', 'ClosureQuarantined']);
  });

  test('of a leader that died before or after the create makes one quarantine, not two', async () => {
    let failures = 2;
    const wrap = (client: KubeClient): KubeClient => ({
      ...gateWrites(client, () => undefined),
      create: async (resource, object, options) => {
        const created = failures === 1 ? await client.create(resource, object, options) : undefined;
        if (failures-- > 0) throw new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'lost' });
        return created ?? client.create(resource, object, options);
      },
    });
    const { room, objects, rollout } = await open(closedGates, { wrap });
    const record = await objects.record(rollout, { ...failed, inbox: [rolledBack(4)] });
    await eventually(
      objects,
      record,
      (now) => now.status?.pendingEffects === undefined && state(now) === 'Reverted',
    );
    const { items } = await room.client.list(quarantinedClosureResource, { namespace: room.namespace });
    expect(items).toHaveLength(1);
  });
});

describe('recovery from heartbeats', () => {
  test('an Activating host on its target goes to Soaking', async () => {
    const { objects, rollout } = await open();
    const record = await objects.record(rollout, {
      state: 'Activating',
      lastEventSeq: 2,
      inbox: [heartbeat(TARGET)],
    });
    const live = await eventually(objects, record, (now) => state(now) === 'Soaking');
    expect(live.status).toMatchObject({ lastEventSeq: 3, lastReport: { closure: TARGET } });
  });

  test('D5: a Pending host on its target waits for the gates, then converges from its last report', async () => {
    let isOpen = false;
    const gates = { isOpen: () => isOpen, stopAtSoaking: () => false };
    const { room, controller, objects, rollout } = await open(gates, { settings: { inboxMaxAgeMs: 0 } });
    const record = await objects.record(rollout, { inbox: [heartbeat(TARGET)] });
    const held = await eventually(objects, record, (now) => now.status?.lastReport !== undefined);
    expect(held.status).toMatchObject({ state: 'Pending', lastEventSeq: 0 });
    isOpen = true;
    controller.queue.add(`${room.namespace}/${record.metadata.name}`);
    const live = await eventually(objects, record, (now) => state(now) === 'Converged');
    expect(live.status?.lastEventSeq).toBe(3);
  });

  test('D20: where an earlier record of the same target did not converge, it soaks', async () => {
    const gates = { isOpen: () => true, stopAtSoaking: () => true };
    const { objects, rollout } = await open(gates);
    const record = await objects.record(rollout, { inbox: [heartbeat(TARGET)] });
    await eventually(objects, record, (now) => state(now) === 'Soaking');
  });

  test('a host that has left its target since is not recovered, and is once it is back', async () => {
    const gates = { isOpen: () => true, stopAtSoaking: () => false };
    const { room, controller, objects, rollout } = await open(gates);
    const host = await objects.host('web-01', { closure: PRIOR });
    const record = await objects.record(rollout, { lastReport: { closure: TARGET, at } });
    const { stores } = room.context;
    await expect.poll(() => stores.hosts.size + stores.records.size).toBe(2);
    controller.queue.add(`${room.namespace}/${record.metadata.name}`);
    await expect.poll(() => controller.queue.tracked).toBe(0);
    expect((await objects.readRecord(record)).status?.state).toBe('Pending');
    await room.client.mergePatch(
      hostResource,
      host.metadata,
      { status: { closure: TARGET } },
      { subresource: 'status' },
    );
    await eventually(objects, record, (now) => state(now) === 'Converged');
  });
});

test('a record that is deleted while it is worked on is no error', async () => {
  const { room, controller, objects, rollout } = await open();
  const record = await objects.record(rollout);
  await room.client.delete(hostRolloutRecordResource, record.metadata);
  controller.queue.add(`${room.namespace}/${record.metadata.name}`);
  await expect.poll(() => controller.queue.tracked).toBe(0);
});
