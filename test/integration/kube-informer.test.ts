import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { isExpired } from '../../src/kube/errors.ts';
import { Informer } from '../../src/kube/informer.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { silentLogger } from '../../src/kube/logger.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { listWatchOf } from '../../src/kube/list-watch.ts';
import { noMetrics, type RuntimeMetrics } from '../../src/kube/runtime-metrics.ts';
import { Store, type StoreReader } from '../../src/kube/store.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientOf, eventually, installWidgets, widget, WIDGETS, type Widget } from '../support/widgets.ts';

let plane: ControlPlane;
let client: KubeClient;
let proxy: TcpProxy;
const open: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  client = clientOf(plane.kubeconfigPath);
  await installWidgets(client);
});

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
  const { items } = await client.list(WIDGETS, { namespace: 'default' });
  await Promise.all(items.map((item) => client.delete(WIDGETS, item.metadata)));
});

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

/** An informer behind a proxy that the test can break, and the reasons for which it listed. */
async function follow(idleMs?: number): Promise<{ store: StoreReader<Widget>; relists: string[] }> {
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(plane.serverUrl).port) });
  const through = clientOf(plane.kubeconfigPath, proxy.port);
  const relists: string[] = [];
  const metrics: RuntimeMetrics = { ...noMetrics, relisted: (_, reason) => void relists.push(reason) };
  const store = new Store<Widget>({ freeze: true });
  const reflector = new Reflector<Widget>({
    source: listWatchOf(through, WIDGETS, { namespace: 'default' }),
    store,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    metrics,
    ...(idleMs !== undefined && { idleMs, probeMs: idleMs }),
  });
  const abort = new AbortController();
  const running = reflector.run(abort.signal);
  open.push(
    () => proxy.close(),
    () => through.close(),
    async () => {
      abort.abort();
      await running;
    },
  );
  await store.waitForSync();
  return { store, relists };
}

async function expectEqualToServer(store: StoreReader<Widget>): Promise<void> {
  await eventually(async () => {
    const { items } = await client.list(WIDGETS, { namespace: 'default' });
    const versions = (objects: readonly Widget[]): string[] =>
      objects
        .map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`)
        .toSorted();
    expect(versions(store.list())).toEqual(versions(items));
  });
}

test('an informer follows creates, status writes and deletes', async () => {
  await client.create(WIDGETS, widget('early'));
  const context = { client, clock: systemClock, log: silentLogger, random: Math.random, freeze: true };
  const informer = new Informer(context, WIDGETS, {
    namespace: 'default',
    indexers: { size: (object) => [String(object.spec?.size)] },
  });
  const seen: string[] = [];
  informer.store.subscribe((change) =>
    seen.push(`${change.type} ${(change.type === 'deleted' ? change.old : change.new).metadata.name}`),
  );
  const abort = new AbortController();
  const running = informer.run(abort.signal);
  await informer.store.waitForSync();
  expect(seen).toEqual(['added early']);

  const late = await client.create(WIDGETS, widget('late', 4));
  await client.replaceStatus(WIDGETS, { ...late, status: { seen: 1 } });
  await client.delete(WIDGETS, late.metadata);
  await eventually(() => expect(seen).toEqual(['added early', 'added late', 'updated late', 'deleted late']));
  expect(informer.store.byIndex('size', '4')).toEqual([]);
  expect(informer.store.byIndex('size', '0')).toHaveLength(1);
  abort.abort();
  await running;
});

test('connections that are reset are opened again and nothing is missed', async () => {
  const { store, relists } = await follow();
  for (let round = 0; round < 5; round += 1) {
    await client.create(WIDGETS, widget(`reset-${round}`));
    proxy.reset();
    if (round > 0) await client.delete(WIDGETS, { name: `reset-${round - 1}`, namespace: 'default' });
  }
  await expectEqualToServer(store);
  expect(relists).toEqual(['start']);
});

test('a connection whose other end went silent is given up and replaced', async () => {
  const { store, relists } = await follow(1_000);
  proxy.stall();
  await client.create(WIDGETS, widget('unseen'));
  const others = proxy.accepted;
  await eventually(() => expect(proxy.accepted).toBeGreaterThan(others));
  await proxy.pass();
  await expectEqualToServer(store);
  expect(relists).toEqual(['start']);
});

test('history that the server compacted away is answered by one new list', async () => {
  const { store, relists } = await follow();
  const created = await client.create(WIDGETS, widget('compacted'));
  await expectEqualToServer(store);
  await proxy.refuse();
  proxy.reset();
  await client.delete(WIDGETS, created.metadata);
  await client.create(WIDGETS, widget('compacted', 2));
  // A restarted API server has an empty watch cache, which begins at the present.
  await plane.restart('kube-apiserver');
  await client.create(WIDGETS, widget('afterwards'));
  await proxy.pass();
  await expectEqualToServer(store);
  expect(relists).toEqual(['start', 'expired']);
});

test('an API server that is killed and started again is followed again', async () => {
  const { store } = await follow();
  await client.create(WIDGETS, widget('before'));
  await expectEqualToServer(store);
  await plane.crash('kube-apiserver');
  await plane.restart('kube-apiserver');
  await eventually(() => client.create(WIDGETS, widget('after')).then(() => undefined));
  await expectEqualToServer(store);
});

test('an etcd that lost everything is noticed, and no object of the old one stays cached', async () => {
  const { store, relists } = await follow();
  for (let n = 0; n < 5; n += 1) await client.create(WIDGETS, widget(`lost-${n}`));
  await expectEqualToServer(store);
  await plane.crash('kube-apiserver');
  await plane.crash('etcd');
  await rm(join(plane.folder, 'etcd'), { recursive: true });
  // Neither becomes ready without the other.
  await Promise.all([plane.restart('etcd'), plane.restart('kube-apiserver')]);
  await installWidgets(client);
  const recreated = await client.create(WIDGETS, widget('lost-3'));
  await expectEqualToServer(store);
  expect(store.list().map((object) => object.metadata.uid)).toEqual([recreated.metadata.uid]);
  expect(relists.length).toBeGreaterThan(1);
});

test('isExpired knows the answer to a version from long ago', async () => {
  const watching = client.watch(WIDGETS, { namespace: 'default', resourceVersion: '1', timeoutSeconds: 5 });
  const failure = await watching.then(
    async (events) => {
      for await (const event of events) if (event.type === 'ERROR') return event.object;
      return undefined;
    },
    (error: unknown) => error,
  );
  expect(isExpired(failure) || JSON.stringify(failure).includes('"code":410')).toBe(true);
});
