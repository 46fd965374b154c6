import { afterEach, describe, expect, test } from 'vitest';
import { fleetResource, hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { recordName, rolloutName } from '../../src/core/naming.ts';
import { ReleaseCache } from '../../src/controllers/content/release-cache.ts';
import { createFleetController } from '../../src/controllers/fleet/fleet-controller.ts';
import { isOwnedBy, isReopened } from '../../src/core/rollout/open.ts';
import { createAgentCa } from '../../src/dev/agent-ca.ts';
import { gateWrites } from '../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';
import { sampleRecord } from '../support/kind-samples.ts';
import { asText, commitOf, releaseFiles, type ReleaseWish } from '../support/release.ts';
import { FleetSite, type FleetWish } from './support/fleet-site.ts';
import { openLeaderRoom, type LeaderRoom } from './support/leader-room.ts';
import { FLEET, Site } from './support/site.ts';

const LIMIT = { timeout: 20_000 };

let site: Site;

afterEach(() => site?.close());

async function publish(wish: ReleaseWish): Promise<void> {
  const name = `release-${Math.random().toString(36).slice(2)}`;
  await site.putConfigMap(name, asText(releaseFiles(wish)));
  await site.applyFleet({ configMapRefs: [name] });
}

/** Rollouts as `channel commit #attempt state`. */
async function standing(): Promise<string[]> {
  return (await site.rollouts())
    .map(
      ({ spec, status }) =>
        `${spec.channel} ${spec.channelRef.slice(0, 2)} #${spec.attempt} ${status?.state ?? ''}`,
    )
    .toSorted();
}

async function rolloutOf(channel: string, digit: string, attempt = 1): Promise<Rollout> {
  const name = rolloutName(`${channel}@${commitOf(digit)}`, attempt);
  return site.client.get(rolloutResource, { namespace: site.namespace, name });
}

describe('an operator that is killed again and again while it opens 300 hosts', () => {
  test('ends with exactly one record per host, and nothing passes before', async () => {
    site = await Site.shared('opening');
    const hosts = Array.from({ length: 300 }, (_, index) => `web-${index}`);
    const records = await follow(hostRolloutRecordResource);
    const rollouts = await follow(rolloutResource);
    await publish({ waves: { stable: [hosts] } });

    for (const enough of [40, 150]) {
      const operator = await site.startOperator(`until-${enough}`);
      await records.until(
        (seen) => seen.length >= enough,
        () => void operator.kill(),
      );
      await operator.ended();
      expect((await site.records()).length).toBeLessThan(300);
      expect(await standing()).toEqual(['stable 11 #1 Opening']);
    }
    await site.startOperator('last');
    await expect.poll(standing, LIMIT).toEqual(['stable 11 #1 Active']);

    const [rollout] = await site.rollouts();
    const made = await site.records();
    expect(made.map(({ spec }) => spec.hostname).toSorted()).toEqual(hosts.toSorted());
    expect(made.filter((record) => rollout === undefined || !isOwnedBy(record, rollout))).toEqual([]);
    // Creations have grown with every kill, yet no record was made twice, and the last one before the rollout opened.
    expect(records.seen).toHaveLength(300);
    const opened = rollouts.changes.find(({ status }) => status?.state === 'Active');
    const last = Math.max(...records.seen.map(versionOf));
    expect(versionOf(opened ?? { metadata: { name: '' } })).toBeGreaterThan(last);
  });

  interface Followed<T> {
    /** Objects as they were when they appeared. */
    readonly seen: T[];
    /** Every version that was seen. */
    readonly changes: T[];
    /** Resolves once `enough` holds, having called `then` in the very moment. */
    until(enough: (seen: readonly T[]) => boolean, then: () => void): Promise<void>;
  }

  async function follow<T extends KubeObject>(resource: Resource<T>): Promise<Followed<T>> {
    const { namespace, client } = site;
    const { resourceVersion } = await client.list(resource, { namespace });
    const events = await client.watch(resource, { namespace, resourceVersion, timeoutSeconds: 120 });
    const seen: T[] = [];
    const changes: T[] = [];
    const waiting: { enough: (seen: readonly T[]) => boolean; done: () => void }[] = [];
    const read = async (): Promise<void> => {
      for await (const event of events) {
        if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
        if (event.type === 'ADDED') seen.push(event.object);
        changes.push(event.object);
        for (const { enough, done } of waiting) if (enough(seen)) done();
      }
    };
    read().catch(() => undefined); // ends with the client
    return {
      seen,
      changes,
      until: (enough, then) =>
        new Promise((resolve) => {
          const waiter = {
            enough,
            done: () => {
              waiting.splice(waiting.indexOf(waiter), 1);
              then();
              resolve();
            },
          };
          waiting.push(waiter);
        }),
    };
  }

  /** Versions of one etcd are numbers that grow with every write, whatever the kind. */
  function versionOf({ metadata }: KubeObject): number {
    return Number(metadata.resourceVersion);
  }
});

test('a record of another owner is deleted and waited for, never adopted', async () => {
  site = await Site.shared('foreign');
  const rollout = rolloutName(`stable@${commitOf('1')}`, 1);
  const name = recordName(rollout, 'web-01', 1);
  const sample = sampleRecord(site.namespace, name);
  const owner = { apiVersion: sample.apiVersion, kind: 'Rollout', name: rollout, uid: 'another' };
  const foreign = await site.client.create(hostRolloutRecordResource, {
    ...sample,
    metadata: {
      ...sample.metadata,
      ownerReferences: [owner],
      finalizers: ['test.nixfleet.dev/stay'],
    } as never,
    spec: { ...sample.spec, rolloutRef: rollout },
  });
  await publish({});
  await site.startOperator();

  const live = () => site.client.get(hostRolloutRecordResource, foreign.metadata);
  await expect.poll(async () => (await live()).metadata.deletionTimestamp, LIMIT).toBeDefined();
  await expect.poll(standing, LIMIT).toEqual(['edge 11 #1 Active', 'stable 11 #1 Opening']);
  expect(await site.condition('Ready')).toBe('False Opening');

  await site.client.mergePatch(hostRolloutRecordResource, foreign.metadata, {
    metadata: { finalizers: null },
  });
  await expect.poll(standing, LIMIT).toEqual(['edge 11 #1 Active', 'stable 11 #1 Active']);
  const made = await live();
  expect(made.metadata.uid).not.toBe(foreign.metadata.uid);
  expect(isOwnedBy(made, await rolloutOf('stable', '1'))).toBe(true);
});

describe('a Rollout that is missing', () => {
  let room: LeaderRoom;
  /** Whether Rollouts cannot be created, as if the leader ended right before. */
  let cut = false;

  afterEach(() => room?.close());

  async function open(wish: FleetWish): Promise<FleetSite> {
    room = await openLeaderRoom({
      wrap: (client) => ({
        ...gateWrites(client, () => undefined),
        create: (resource, object, options) =>
          cut && resource.kind === 'Rollout'
            ? Promise.reject(new Error('cut'))
            : client.create(resource, object, options),
      }),
    });
    const { client, namespace, context } = room;
    const fleetSite = new FleetSite(client, namespace, wish);
    await fleetSite.install(await createAgentCa());
    await fleetSite.publish(
      { channels: { stable: { waves: [['web-01'], ['web-02']] } } },
      context.clock.now(),
    );
    const releases = new ReleaseCache({
      client,
      namespace,
      configMaps: context.stores.configMaps,
      clock: context.clock,
    });
    const controller = createFleetController(context, { releases, deadlocks: () => [] });
    room.start(controller, () => () => undefined);
    return fleetSite;
  }

  async function channel() {
    const fleet = await room.client.get(fleetResource, { namespace: room.namespace, name: FLEET });
    return fleet.status?.channels?.[0];
  }

  /** The uid of the Rollout, and whether it and its records say that they take the place of others. */
  async function opened(): Promise<{ readonly uid: string; readonly reopened: boolean[] } | undefined> {
    const { namespace, client } = room;
    const [rollout] = (await client.list(rolloutResource, { namespace })).items;
    const records = (await client.list(hostRolloutRecordResource, { namespace })).items;
    const own = rollout === undefined ? [] : records.filter((record) => isOwnedBy(record, rollout));
    if (rollout === undefined || own.length < 2) return undefined;
    return { uid: rollout.metadata.uid ?? '', reopened: [rollout, ...own].map(isReopened) };
  }

  test.each<[string, FleetWish, boolean]>([
    ['because it could not be created', {}, true],
    ['because the Fleet is on hold', { intent: { hold: 'Hold' } }, false],
  ])('%s is opened as new, so that no host waits; one that was deleted is not', async (_, wish, fails) => {
    cut = fails;
    await open(wish);
    await expect.poll(channel, LIMIT).toBeDefined();
    expect(await channel()).not.toHaveProperty('opened');
    expect(await opened()).toBeUndefined();

    cut = false;
    const name = { namespace: room.namespace, name: FLEET };
    await room.client.mergePatch(fleetResource, name, { spec: { intent: { hold: 'None' } } });
    await expect.poll(opened, LIMIT).toMatchObject({ reopened: [false, false, false] });
    expect(await channel()).toMatchObject({ opened: true });

    const first = await opened();
    const [rollout] = (await room.client.list(rolloutResource, { namespace: room.namespace })).items;
    if (rollout === undefined) throw new Error('it is open');
    await room.client.delete(rolloutResource, rollout.metadata);
    await expect
      .poll(async () => (await opened())?.uid !== first?.uid && (await opened()), LIMIT)
      .toMatchObject({
        reopened: [true, true, true],
      });
  });
});

describe('one release after the other', () => {
  const first = ['edge 11 #1 Active', 'stable 11 #1 Active'];

  async function start(): Promise<void> {
    site = await Site.shared('releases');
    await site.startOperator();
    await publish({ digit: '1', ageSeconds: 300 });
    await expect.poll(standing, LIMIT).toEqual(first);
  }

  test('the next one supersedes, and an earlier one that comes back opens a second attempt that counts on', async () => {
    await start();
    const promised = (await site.records()).find(({ spec }) => spec.hostname === 'web-01');
    expect(promised?.spec).toMatchObject({ attempt: 1, firstSeq: 0 });
    if (promised === undefined) return;
    await site.client.replaceStatus(hostRolloutRecordResource, {
      ...(await site.client.get(hostRolloutRecordResource, promised.metadata)),
      status: { state: 'Pending', lastEventSeq: 5 },
    });

    await publish({ digit: '2', ageSeconds: 200 });
    const superseded = [
      'edge 11 #1 Superseded',
      'edge 22 #1 Active',
      'stable 11 #1 Superseded',
      'stable 22 #1 Active',
    ];
    await expect.poll(standing, LIMIT).toEqual(superseded);
    expect((await rolloutOf('stable', '1')).status).toMatchObject({
      supersededBy: (await rolloutOf('stable', '2')).metadata.name,
      supersededAt: expect.any(String),
    });
    await expect
      .poll(async () => (await site.events()).filter(({ reason }) => reason === 'Superseded'), LIMIT)
      .toHaveLength(2);

    await publish({ digit: '1', ageSeconds: 300 });
    await expect
      .poll(standing, LIMIT)
      .toEqual([
        'edge 11 #1 Superseded',
        'edge 11 #2 Active',
        'edge 22 #1 Superseded',
        'stable 11 #1 Superseded',
        'stable 11 #2 Active',
        'stable 22 #1 Superseded',
      ]);
    const again = (await rolloutOf('stable', '1', 2)).metadata.name;
    const firstSeqs = (await site.records())
      .filter(({ spec }) => spec.rolloutRef === again)
      .map(({ spec }) => [spec.hostname, spec.firstSeq]);
    expect(Object.fromEntries(firstSeqs)).toEqual({ 'web-01': 5, 'web-02': 0 });
    expect((await site.fleet()).status?.channels?.map(({ rollout }) => rollout)).toContain(again);
  });

  test('signing the same content anew only refreshes the manifest that agents are served', async () => {
    await start();
    const before = await rolloutOf('stable', '1');
    await publish({ digit: '1', ageSeconds: 60 });
    await expect
      .poll(async () => (await rolloutOf('stable', '1')).status?.manifest?.signedAt, LIMIT)
      .not.toBe(before.status?.manifest?.signedAt);
    const after = await rolloutOf('stable', '1');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.status).toMatchObject({ state: 'Active', openedAt: before.status?.openedAt });
    expect(after.status?.manifest?.contentRefs).toEqual((await site.fleet()).status?.artifact?.contentRefs);
    expect(after.status?.manifest?.sha256).not.toBe(before.status?.manifest?.sha256);
    expect(await standing()).toEqual(first);
    expect(await site.contentConfigMaps()).toHaveLength(2);
  });

  test('the same commit for other hosts is another attempt', async () => {
    await start();
    await publish({ digit: '1', waves: { edge: [['edge-01']], stable: [['web-01'], ['web-02', 'web-03']] } });
    await expect
      .poll(standing, LIMIT)
      .toEqual(['edge 11 #1 Active', 'stable 11 #1 Superseded', 'stable 11 #2 Active']);
    expect((await rolloutOf('stable', '1', 2)).spec.hostCount).toBe(3);
  });
});
