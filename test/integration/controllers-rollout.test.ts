import { afterEach, describe, expect, test } from 'vitest';
import { hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { createRolloutController, wireRolloutController } from '../../src/controllers/rollout/controller.ts';
import { conditionOf } from '../../src/core/conditions.ts';
import { newRecord } from '../../src/core/rollout/open.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { gateWrites, type KubeClient } from '../../src/kube/kube-client.ts';
import { createObject } from '../../src/kube/writes.ts';
import { FleetObjects, ROLLOUT_ID } from '../support/fleet-objects.ts';
import { kubectlAdmin } from './support/shared-cluster.ts';
import { openLeaderRoom, type LeaderRoom, type LeaderRoomOptions } from './support/leader-room.ts';

const rooms: LeaderRoom[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});

const at = systemClock.now();

/** A Rollout of as many hosts, in Opening, with the controller running; records come as the test makes them. */
class Scene {
  readonly room: LeaderRoom;
  readonly objects: FleetObjects;
  readonly rollout: Rollout;

  constructor(room: LeaderRoom, rollout: Rollout) {
    this.room = room;
    this.objects = new FleetObjects(room.client, room.namespace);
    this.rollout = rollout;
  }

  static async open(hostCount: number, options: LeaderRoomOptions = {}): Promise<Scene> {
    const room = await openLeaderRoom(options);
    rooms.push(room);
    const objects = new FleetObjects(room.client, room.namespace);
    await objects.fleet();
    const name = await objects.rollout('Opening');
    const template = await room.client.get(rolloutResource, { namespace: room.namespace, name });
    await room.client.delete(rolloutResource, template.metadata);
    const { status: _status, metadata: _metadata, ...rest } = template;
    const scene = new Scene(
      room,
      await room.client.create(rolloutResource, {
        ...rest,
        metadata: { name, namespace: room.namespace },
        spec: { ...rest.spec, hostCount },
      }),
    );
    room.start(createRolloutController(room.context), wireRolloutController);
    return scene;
  }

  async join(hostname: string, owner = this.rollout.metadata.uid ?? ''): Promise<HostRolloutRecord> {
    const place = { namespace: this.room.namespace, fleetName: 'lab' };
    const fleet = { channels: {}, rolloutPolicies: {} } as unknown as Parameters<typeof newRecord>[2];
    const host = { hostname, waveIndex: 0, targetClosure: 'clo-new' };
    const record = newRecord(place, this.rollout, fleet, host, 0, at);
    const ownerReferences = record.metadata.ownerReferences?.map((reference) => ({
      ...reference,
      uid: owner,
    }));
    return createObject(this.room.client, hostRolloutRecordResource, undefined, {
      ...record,
      metadata: { ...record.metadata, ...(ownerReferences && { ownerReferences }) },
    });
  }

  async read(): Promise<Rollout> {
    return this.room.client.get(rolloutResource, this.rollout.metadata);
  }

  async until(check: (rollout: Rollout) => boolean): Promise<Rollout> {
    let live = await this.read();
    await expect.poll(async () => check((live = await this.read()))).toBe(true);
    return live;
  }

  async intend(intent: object): Promise<void> {
    await this.room.client.mergePatch(rolloutResource, this.rollout.metadata, { spec: { intent } });
  }

  async records(): Promise<readonly HostRolloutRecord[]> {
    const { namespace } = this.room;
    return (await this.room.client.list(hostRolloutRecordResource, { namespace })).items;
  }

  /** The transitions that the audit log tells. */
  told(): string[] {
    return this.room.audit.flatMap((line) =>
      'from' in line && 'to' in line && 'cause' in line
        ? [`${String(line.from)} → ${String(line.to)} (${String(line.cause)})`]
        : [],
    );
  }
}

const isState = (state: string) => (rollout: Rollout) => rollout.status?.state === state;

describe('a rollout', () => {
  test('D21: opens with exactly its records, those of another owner aside, and ends when all converged', async () => {
    const scene = await Scene.open(2);
    const first = await scene.join('web-01');
    const foreign = await scene.join('web-02', 'uid-of-an-earlier-one');
    await scene.until(({ status }) => status?.hosts?.pending === 1);
    expect((await scene.read()).status?.state).toBe('Opening');
    await scene.room.client.delete(hostRolloutRecordResource, foreign.metadata);
    const second = await scene.join('web-02');
    await scene.until(isState('Active'));
    await scene.objects.setRecord(first, { state: 'Converged' });
    await scene.until(({ status }) => status?.progress?.converged === '1/2');
    await scene.objects.setRecord(second, { state: 'Converged' });
    const done = await scene.until(isState('Terminal'));
    expect(conditionOf(done.status?.conditions, 'Ready')?.status).toBe('True');
    expect(done.status?.terminalAt).toBeDefined();
    expect(scene.told()).toEqual(['Opening → Active (HostJoined)', 'Active → Terminal (RolloutTerminal)']);
    const row = await kubectlAdmin([
      'get',
      'nfr',
      done.metadata.name,
      '-n',
      scene.room.namespace,
      '--no-headers',
    ]);
    expect(row).toMatch(/stable +a1b2c3d4 +Terminal +1\/1 +2\/2 +0/);
  });

  test('counters are written at most once per interval, a state at once', async () => {
    const scene = await Scene.open(3, { settings: { statusIntervalMs: 600_000 } });
    const [first, second] = [
      await scene.join('web-01'),
      await scene.join('web-02'),
      await scene.join('web-03'),
    ];
    const active = await scene.until(isState('Active'));
    await scene.objects.setRecord(first, { state: 'Activating' });
    await scene.objects.setRecord(second, { state: 'Failed' });
    const failed = await scene.until(isState('Failed'));
    expect(failed.status?.hosts).toMatchObject({ activating: 1, failed: 1, pending: 1 });
    expect(active.status?.hosts).toMatchObject({ activating: 0 });
  });

  test('pausing answers at once with the observed generation', async () => {
    const scene = await Scene.open(1, { settings: { statusIntervalMs: 600_000 } });
    await scene.join('web-01');
    await scene.until(isState('Active'));
    await scene.intend({ hold: 'Pause' });
    const paused = await scene.until(({ status }) => status?.observedGeneration === 2);
    expect(conditionOf(paused.status?.conditions, 'Paused')).toMatchObject({
      status: 'True',
      reason: 'RolloutPaused',
    });
  });

  test('what holds hosts back is added up from their records', async () => {
    const scene = await Scene.open(2);
    await scene.join('web-01');
    const second = await scene.join('web-02');
    await scene.objects.setRecord(second, { blockedBy: [{ gate: 'host-edge', key: 'web-01', since: at }] });
    const live = await scene.until(({ status }) => (status?.blocked?.length ?? 0) > 0);
    expect(live.status?.blocked).toMatchObject([{ gate: 'host-edge', count: 1, hosts: ['web-02'] }]);
    expect(conditionOf(live.status?.conditions, 'Blocked')?.reason).toBe('HostEdge');
  });

  test('the wave cursor that the planner writes meanwhile is kept', async () => {
    const scene = await Scene.open(1);
    const record = await scene.join('web-01');
    await scene.until(isState('Active'));
    await scene.room.client.mergePatch(
      rolloutResource,
      scene.rollout.metadata,
      { status: { currentWave: 3 } },
      { subresource: 'status' },
    );
    await scene.objects.setRecord(record, { state: 'Converged' });
    expect((await scene.until(isState('Terminal'))).status?.currentWave).toBe(3);
  });
});

describe('D2: clearing a halted rollout', () => {
  async function halted(options: LeaderRoomOptions = {}) {
    const scene = await Scene.open(3, options);
    const hosts = [
      await scene.join('web-01'),
      await scene.join('web-02'),
      await scene.join('web-03'),
    ] as const;
    await scene.objects.setRecord(hosts[0], { state: 'Failed', failedAt: at });
    await scene.until(isState('Failed'));
    return { scene, hosts };
  }
  const clearing = { at, reason: 'drained by hand' };

  test('stamps who halts it, sets it Active again, and is told with its reason', async () => {
    const { scene, hosts } = await halted();
    await scene.intend({ clear: clearing });
    const live = await scene.until(isState('Active'));
    expect(live.status?.clearedAt).toBe(at);
    expect((await scene.objects.readRecord(hosts[0])).status?.clearedAt).toBe(at);
    expect((await scene.objects.readRecord(hosts[1])).status?.clearedAt).toBeUndefined();
    expect(live.status?.hosts?.leftBehind).toBe(1);
    expect(scene.room.audit).toContainEqual(
      expect.objectContaining({
        cause: 'clear',
        host: 'web-01',
        reason: 'drained by hand',
        rolloutId: ROLLOUT_ID,
      }),
    );
    await scene.objects.setRecord(hosts[1], { state: 'Failed' });
    await scene.until(isState('Failed'));
  });

  test('with names clears those in any state, and nobody else', async () => {
    const { scene, hosts } = await halted();
    await scene.intend({ clear: { ...clearing, hosts: ['web-02'] } });
    const live = await scene.until(({ status }) => status?.clearedAt === at);
    expect(live.status?.state).toBe('Failed');
    expect((await scene.objects.readRecord(hosts[1])).status?.clearedAt).toBe(at);
    expect((await scene.objects.readRecord(hosts[0])).status?.clearedAt).toBeUndefined();
  });

  test('goes on after a leader that died between the records and the rollout', async () => {
    let lost = false;
    const wrap = (client: KubeClient): KubeClient => ({
      ...gateWrites(client, () => undefined),
      replaceStatus: async (resource, object, options) => {
        const { status } = object;
        const stampsRollout = typeof status === 'object' && status !== null && 'clearedAt' in status;
        if (!lost && resource.plural === 'rollouts' && stampsRollout) {
          lost = true;
          throw new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'lost' });
        }
        return client.replaceStatus(resource, object, options);
      },
    });
    const { scene } = await halted({ wrap });
    await scene.intend({ clear: clearing });
    await scene.until(isState('Active'));
    expect(lost).toBe(true);
  });
});

describe('D16: retrying a host', () => {
  test('replaces its record by the next try, and the rollout goes on', async () => {
    const scene = await Scene.open(2);
    const [old] = [await scene.join('web-01'), await scene.join('web-02')];
    await scene.objects.setRecord(old, { state: 'Failed', lastEventSeq: 7 });
    await scene.until(isState('Failed'));
    await scene.intend({ retry: [{ host: 'web-01', at: systemClock.now(), reason: 'disk replaced' }] });
    await scene.until(isState('Active'));
    await expect.poll(async () => (await scene.records()).length).toBe(2);
    const next = (await scene.records()).find(({ spec }) => spec.hostname === 'web-01');
    expect(next).toMatchObject({
      metadata: { name: `${old.metadata.name}.2`, labels: old.metadata.labels },
      spec: { attempt: 2, firstSeq: 7, targetClosure: old.spec.targetClosure },
      status: { state: 'Pending' },
    });
    expect(scene.room.audit).toContainEqual(
      expect.objectContaining({ cause: 'retry', reason: 'disk replaced' }),
    );
  });

  test('is not done again while the request stands', async () => {
    const scene = await Scene.open(1);
    await scene.objects.setRecord(await scene.join('web-01'), { state: 'Failed' });
    await scene.until(isState('Failed'));
    await scene.intend({ retry: [{ host: 'web-01', at: systemClock.now(), reason: 'r' }] });
    await scene.until(isState('Active'));
    const [second] = await scene.records();
    if (second === undefined) throw new Error('the record is gone');
    await scene.objects.setRecord(second, { state: 'Failed' });
    await scene.until(isState('Failed'));
    expect((await scene.records()).map(({ spec }) => spec.attempt)).toEqual([2]);
  });

  test('of a host that the rollout does not have is refused with a remedy', async () => {
    const scene = await Scene.open(1);
    await scene.join('web-01');
    await scene.intend({ retry: [{ host: 'web-99', at, reason: 'r' }] });
    await expect.poll(() => scene.room.notes.map(({ reason }) => reason)).toContain('RetryRefused');
  });
});
