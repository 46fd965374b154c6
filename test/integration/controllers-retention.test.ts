import { afterEach, expect, test } from 'vitest';
import { LABEL_CONTENT } from '../../src/api/group.ts';
import { fleetResource, hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { HostRolloutRecordStatus } from '../../src/api/kinds/host-rollout-record.ts';
import type { RolloutStatus } from '../../src/api/kinds/rollout.ts';
import { addMillis } from '../../src/api/time.ts';
import {
  createRetentionController,
  wireRetentionController,
} from '../../src/controllers/retention/controller.ts';
import { configMapResource, putBlob } from '../../src/kube/blob-store.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { FleetObjects } from '../support/fleet-objects.ts';
import { openLeaderRoom, type LeaderRoom } from './support/leader-room.ts';

const HOUR = 3_600_000;
const rooms: LeaderRoom[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});

/** A room whose clock is three hours ahead, so that what is made now is old. */
async function open() {
  const room = await openLeaderRoom({ aheadMs: 3 * HOUR, settings: { retentionIntervalMs: 200 } });
  rooms.push(room);
  const { client, namespace } = room;
  const objects = new FleetObjects(client, namespace);
  const inForce = 'in-force';
  await objects.fleet({ term: 1, channels: [{ name: 'stable', ref: 'r', rollout: inForce, hosts: 1 }] });

  /** A superseded Rollout that ended so many minutes ago by the wall clock, with one record. */
  const attempt = async (
    number: number,
    status: Partial<RolloutStatus> = {},
    record: Partial<HostRolloutRecordStatus> = {},
  ): Promise<string> => {
    const name = await objects.rollout('Superseded', number);
    const ref = { namespace, name };
    const supersededAt = addMillis(systemClock.now(), number * 60_000);
    const { metadata } = await client.mergePatch(
      rolloutResource,
      ref,
      { status: { supersededAt, ...status } },
      { subresource: 'status' },
    );
    const { metadata: created } = await objects.record(name, record);
    const ownerReferences = [
      { apiVersion: 'nixfleet.dev/v1alpha1', kind: 'Rollout', name, uid: metadata.uid ?? '' },
    ];
    await client.mergePatch(hostRolloutRecordResource, created, { metadata: { ownerReferences } });
    return name;
  };
  const content = async (text: string): Promise<string[]> => {
    const location = { namespace, prefix: 'lab', labels: { [LABEL_CONTENT]: 'release' } };
    return [...(await putBlob(client, location, Buffer.from(text))).names];
  };
  const names = async (
    resource: typeof rolloutResource | typeof hostRolloutRecordResource | typeof configMapResource,
  ) =>
    (await client.list<{ metadata: { name: string } }>(resource, { namespace })).items
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== 'kube-root-ca.crt');
  const start = (): void => room.start(createRetentionController(room.context), wireRetentionController);
  /** Starts once the caches hold what the test has made. */
  const startWhenSeen = async (rollouts: number, records: number): Promise<void> => {
    const { stores } = room.context;
    await expect.poll(() => [stores.rollouts.size, stores.records.size]).toEqual([rollouts, records]);
    start();
  };
  return { room, client, namespace, attempt, content, names, startWhenSeen };
}

test('old attempts go with their records, without a garbage collector; the newest two stay', async () => {
  const { room, attempt, names, startWhenSeen } = await open();
  const made = [await attempt(1), await attempt(2), await attempt(3), await attempt(4)];
  await startWhenSeen(4, 4);
  await expect.poll(async () => names(rolloutResource)).toHaveLength(2);
  expect(new Set(await names(rolloutResource))).toEqual(new Set(made.slice(2)));
  await expect.poll(async () => names(hostRolloutRecordResource)).toHaveLength(2);
  expect(room.audit).toContainEqual(expect.objectContaining({ rollout: made[0], to: 'Pruned' }));
});

test('an attempt with a host in mid-switch stays until that has ended', async () => {
  const { client, namespace, attempt, names, startWhenSeen } = await open();
  const busy = await attempt(1, {}, { state: 'Activating' });
  const idle = await attempt(2);
  for (const number of [3, 4]) await attempt(number);
  await startWhenSeen(4, 4);
  await expect.poll(async () => names(rolloutResource)).not.toContain(idle);
  expect(await names(rolloutResource)).toContain(busy);
  const ref = { namespace, name: `${busy}.web-01` };
  await client.mergePatch(
    hostRolloutRecordResource,
    ref,
    { status: { state: 'Failed' } },
    { subresource: 'status' },
  );
  await expect.poll(async () => names(rolloutResource)).not.toContain(busy);
});

test('records go whose Rollout somebody has deleted', async () => {
  const { client, namespace, attempt, names, startWhenSeen } = await open();
  const [kept, gone] = [await attempt(1), await attempt(2)];
  await startWhenSeen(2, 2);
  await client.delete(rolloutResource, { namespace, name: gone });
  await expect.poll(async () => names(hostRolloutRecordResource)).toEqual([`${kept}.web-01`]);
});

test('content stays while the Fleet or any Rollout refers to it, and goes afterwards', async () => {
  const { client, namespace, attempt, content, names, startWhenSeen } = await open();
  const [forFleet, forRollout, forNobody] = [await content('a'), await content('b'), await content('c')];
  const now = systemClock.now();
  await attempt(1, { manifest: { sha256: 's', signedAt: now, contentRefs: forRollout } });
  const artifact = { ciCommit: 'c', signedAt: now, sha256: 's', verifiedAt: now, contentRefs: forFleet };
  const fleet = { namespace, name: 'lab' };
  await client.mergePatch(fleetResource, fleet, { status: { artifact } }, { subresource: 'status' });
  await startWhenSeen(1, 1);
  await expect.poll(async () => names(configMapResource)).not.toContain(forNobody[0]);
  expect(new Set(await names(configMapResource))).toEqual(new Set([...forFleet, ...forRollout]));
  const refs = { status: { artifact: { contentRefs: forRollout } } };
  await client.mergePatch(fleetResource, fleet, refs, { subresource: 'status' });
  await expect.poll(async () => names(configMapResource)).toEqual(forRollout);
});

test('ConfigMaps of people are none of its business', async () => {
  const { client, namespace, content, names, startWhenSeen } = await open();
  const metadata = { name: 'lab-release', namespace };
  await client.create(configMapResource, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { k: 'v' } });
  await content('unreferenced');
  await startWhenSeen(0, 0);
  await expect.poll(async () => names(configMapResource)).toEqual(['lab-release']);
});
