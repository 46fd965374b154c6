/** D10 and a graceful stop: when the leader plans, and how it ends. The leader's controllers on a real API server. */
import { afterEach, describe, expect, test } from 'vitest';
import { hostRolloutRecordResource } from '../../src/api/kinds/resources.ts';
import { startLeader, type Leader } from '../../src/app/leader.ts';
import { ReleaseCache } from '../../src/controllers/content/release-cache.ts';
import type { ControllerContext } from '../../src/controllers/context.ts';
import { noDomainMetrics } from '../../src/controllers/domain-metrics.ts';
import { createRecordController, wireRecordController } from '../../src/controllers/record/controller.ts';
import { closedGates } from '../../src/controllers/record/recovery-gates.ts';
import { createAgentCa } from '../../src/dev/agent-ca.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { noMetrics } from '../../src/kube/runtime-metrics.ts';
import { FleetObjects } from '../support/fleet-objects.ts';
import { LeapClock } from '../support/leap-clock.ts';
import { FleetSite } from './support/fleet-site.ts';
import { openLeaderRoom, type LeaderRoom } from './support/leader-room.ts';

let room: LeaderRoom;
let leader: Leader | undefined;

afterEach(async () => {
  await leader?.stop(5_000);
  leader = undefined;
  await room?.close();
});

describe('D10: when plans are made', () => {
  let plans = 0;

  async function lead(clock: LeapClock): Promise<void> {
    plans = 0;
    room = await openLeaderRoom();
    const metrics = { ...noDomainMetrics, planned: () => void (plans += 1) };
    const context: ControllerContext = {
      ...room.context,
      clock,
      metrics,
      leadingSinceMs: clock.monotonicMillis(),
    };
    const { client, namespace, stores } = context;
    const site = new FleetSite(client, namespace);
    await site.install(await createAgentCa());
    await site.publish({ channels: { stable: { waves: [['web-01']] } } }, clock.now());
    const releases = new ReleaseCache({ client, namespace, configMaps: stores.configMaps, clock });
    leader = startLeader(context, releases, noMetrics);
    const held = (): string[] =>
      stores.records.list().flatMap(({ status }) => (status?.blockedBy ?? []).map(({ gate }) => gate));
    await expect.poll(held).toEqual(['host-unsettled']);
    await expect.poll(() => stores.rollouts.list()[0]?.status?.blocked?.[0]?.gate).toBe('host-unsettled');
  }

  /** Plans made so far, once no more come by themselves. */
  async function settledCount(): Promise<number> {
    let before = -1;
    await expect
      .poll(
        () => {
          const quiet = before === plans;
          before = plans;
          return quiet;
        },
        { interval: 250 },
      )
      .toBe(true);
    return plans;
  }

  test('at once on a change that matters, many changes making one plan', async () => {
    await lead(new LeapClock());
    const before = await settledCount();
    const objects = new FleetObjects(room.client, room.namespace);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => objects.quarantine(`closure-${name}`)));
    await expect.poll(() => plans).toBeGreaterThan(before);
    expect((await settledCount()) - before).toBeLessThan(5);
  });

  test('every 15 seconds without any change; ticks that were missed are skipped, not made up for', async () => {
    const clock = new LeapClock();
    await lead(clock);
    const before = await settledCount();
    clock.leap(15_000);
    await expect.poll(() => plans).toBe(before + 1);
    clock.leap(150_000);
    await expect.poll(() => plans).toBe(before + 2);
    expect(await settledCount()).toBe(before + 2);
    clock.leap(15_000);
    await expect.poll(() => plans).toBe(before + 3);
  });

  test('gates that somebody else wrote into a record are put right by the next plan', async () => {
    const clock = new LeapClock();
    await lead(clock);
    const before = await settledCount();
    const [record] = room.context.stores.records.list();
    if (record === undefined) throw new Error('web-01 has no record');
    const gates = (): (string | undefined)[] => {
      const key = `${room.namespace}/${record.metadata.name}`;
      return (room.context.stores.records.get(key)?.status?.blockedBy ?? []).map(({ gate }) => gate);
    };
    const blockedBy = [{ gate: 'host-edge' as const, key: 'web-09', since: clock.now() }];
    await new FleetObjects(room.client, room.namespace).setRecord(record, { ...record.status, blockedBy });
    await expect.poll(gates).toEqual(['host-edge']);
    expect(plans).toBe(before);
    clock.leap(15_000);
    await expect.poll(gates).toEqual(['host-unsettled']);
  });
});

test('a graceful stop finishes the record in hand and takes no other', async () => {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow = (client: KubeClient): KubeClient =>
    new Proxy(client, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        if (name !== 'replaceStatus' || typeof value !== 'function') {
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async (...args: unknown[]) => {
          held.resolve();
          await release.promise;
          return value.apply(target, args) as unknown;
        };
      },
    });
  room = await openLeaderRoom({ wrap: slow });
  const objects = new FleetObjects(room.client, room.namespace);
  const rollout = await objects.rollout();
  const ack = {
    kind: 'DispatchAck',
    currentClosureAtDispatch: '',
    receivedAt: room.context.clock.now(),
    seq: 1,
  };
  const inbox = [{ seq: 1, at: room.context.clock.now(), event: ack }];
  const first = await objects.record(rollout, {}, { hostname: 'web-01' });
  const second = await objects.record(rollout, {}, { hostname: 'web-02' });
  const controller = createRecordController(room.context, closedGates);
  wireRecordController(room.context, controller.queue);
  controller.start();
  await objects.setRecord(first, { inbox });
  await held.promise;
  const stopping = controller.stop(10_000);
  await objects.setRecord(second, { inbox });
  const key = `${room.namespace}/${second.metadata.name}`;
  await expect.poll(() => room.context.stores.records.get(key)?.status?.inbox?.length).toBe(1);
  release.resolve();
  await stopping;
  const stateOf = async (name: string): Promise<string | undefined> => {
    const ref = { namespace: room.namespace, name };
    return (await room.client.get(hostRolloutRecordResource, ref)).status?.state;
  };
  expect(await stateOf(first.metadata.name)).toBe('Activating');
  expect(await stateOf(second.metadata.name)).toBe('Pending');
});
