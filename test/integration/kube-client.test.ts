import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { isAlreadyExists, isConflict, isNotFound, NotLeaderError } from '../../src/kube/errors.ts';
import { gateWrites, type KubeClient } from '../../src/kube/kube-client.ts';
import { defineResource, type KubeObject } from '../../src/kube/resource.ts';
import { Store } from '../../src/kube/store.ts';
import { casLoop, createObject, deleteObject, updateStatus } from '../../src/kube/writes.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientOf, installWidgets, widget, WIDGETS, type Widget } from '../support/widgets.ts';

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane();
  client = clientOf(plane.kubeconfigPath);
  await installWidgets(client);
});

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

test('a status PUT without the spec keeps spec, labels and field ownership of the object', async () => {
  const created = await client.create(WIDGETS, {
    ...widget('keeps', 7),
    metadata: { name: 'keeps', namespace: 'default', labels: { a: 'b' } },
  });
  const answer = await client.replaceStatus(WIDGETS, { ...created, status: { seen: 1 } });
  expect(answer).toMatchObject({ spec: { size: 7 }, status: { seen: 1 }, metadata: { labels: { a: 'b' } } });
  expect(answer.metadata.generation).toBe(created.metadata.generation);
});

test('a write on an old version is a conflict, and the loop that reads again gets through', async () => {
  const store = new Store<Widget>();
  const created = await createObject(client, WIDGETS, store, widget('contended'));
  await client.replaceStatus(WIDGETS, { ...created, status: { seen: 1 } });

  const stale = updateStatus(client, WIDGETS, store, {
    base: created,
    next: { ...created, status: { seen: 9 } },
  });
  await expect(stale).rejects.toSatisfy(isConflict);

  const ref = { name: 'contended', namespace: 'default' };
  const written = await casLoop(3, async (number) => {
    const base = number === 0 ? created : await client.get(WIDGETS, ref);
    return updateStatus(client, WIDGETS, store, {
      base,
      next: { ...base, status: { seen: (base.status?.seen ?? 0) + 1 } },
    });
  });
  expect(written.status).toEqual({ seen: 2 });
  expect(store.get('default/contended')?.status).toEqual({ seen: 2 });
});

test('of many writers that add one each, none is lost', async () => {
  const ref = { name: 'counter', namespace: 'default' };
  await client.create(WIDGETS, widget('counter'));
  const addOne = (): Promise<Widget> =>
    casLoop(50, async () => {
      const base = await client.get(WIDGETS, ref);
      const next = { ...base, status: { seen: (base.status?.seen ?? 0) + 1 } };
      return updateStatus(client, WIDGETS, undefined, { base, next });
    });
  await Promise.all(Array.from({ length: 8 }, addOne));
  expect((await client.get(WIDGETS, ref)).status).toEqual({ seen: 8 });
});

test('a status that does not change is not written', async () => {
  const created = await client.create(WIDGETS, widget('quiet'));
  const first = await updateStatus(client, WIDGETS, undefined, {
    base: created,
    next: { ...created, status: { seen: 1 } },
  });
  const again = await updateStatus(client, WIDGETS, undefined, {
    base: first,
    next: { ...first, status: { seen: 1 } },
  });
  expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
});

test('create, get and delete say plainly what stood in the way', async () => {
  const store = new Store<Widget>();
  const created = await createObject(client, WIDGETS, store, widget('plain'));
  await expect(client.create(WIDGETS, widget('plain'))).rejects.toSatisfy(isAlreadyExists);

  const impostor = {
    ...created,
    metadata: { ...created.metadata, uid: '00000000-0000-0000-0000-000000000000' },
  };
  await expect(deleteObject(client, WIDGETS, store, impostor)).rejects.toSatisfy(isConflict);

  await deleteObject(client, WIDGETS, store, created);
  expect(store.get('default/plain')).toBeUndefined();
  await expect(client.get(WIDGETS, { name: 'plain', namespace: 'default' })).rejects.toSatisfy(isNotFound);
  const bad = { metadata: { name: 'bad', namespace: 'default' }, spec: {} };
  const refused = client.create(WIDGETS, bad);
  await expect(refused).rejects.toThrow(/spec\.size/);
  await expect(refused).rejects.toMatchObject({ status: 422, reason: 'Invalid', retryable: false });
});

test('an object with a finalizer stays after its delete, and the store holds it as deleting', async () => {
  const store = new Store<Widget>();
  const created = await createObject(client, WIDGETS, store, {
    ...widget('held'),
    metadata: { name: 'held', namespace: 'default', finalizers: ['test.nixfleet.dev/hold'] },
  });
  await deleteObject(client, WIDGETS, store, created);
  expect(store.get('default/held')?.metadata.deletionTimestamp).toBeTypeOf('string');
  await client.mergePatch(
    WIDGETS,
    { name: 'held', namespace: 'default' },
    { metadata: { finalizers: null } },
  );
});

test('the writes of a leader stop at the gate while its reads go on', async () => {
  let leading = true;
  const gated = gateWrites(client, () => {
    if (!leading) throw new NotLeaderError('not the leader');
  });
  const created = await gated.create(WIDGETS, widget('gated'));
  leading = false;
  await expect(gated.replaceStatus(WIDGETS, { ...created, status: { seen: 1 } })).rejects.toThrow(
    NotLeaderError,
  );
  await expect(gated.get(WIDGETS, created.metadata)).resolves.toMatchObject({ metadata: { name: 'gated' } });
});

test('pages of a list add up to the whole and carry one version', async () => {
  const configMaps = defineResource<KubeObject>({
    group: '',
    version: 'v1',
    plural: 'configmaps',
    kind: 'ConfigMap',
    namespaced: true,
  });
  await Promise.all(
    Array.from({ length: 25 }, (_, n) =>
      client.create(configMaps, {
        metadata: { name: `page-${n}`, namespace: 'default', labels: { paged: 'yes' } },
      }),
    ),
  );
  const names = new Set<string>();
  const versions = new Set<string>();
  let next: string | undefined;
  do {
    const page = await client.list(configMaps, {
      namespace: 'default',
      labelSelector: 'paged=yes',
      limit: 10,
      ...(next !== undefined && { continue: next }),
    });
    for (const item of page.items) names.add(item.metadata.name);
    versions.add(page.resourceVersion);
    next = page.continue;
  } while (next !== undefined);
  expect(names.size).toBe(25);
  expect(versions.size).toBe(1);
});

test('hundreds of parallel requests share sixteen connections', async () => {
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(plane.serverUrl).port) });
  const through = clientOf(plane.kubeconfigPath, proxy.port);
  await Promise.all(
    Array.from({ length: 200 }, () => through.list(WIDGETS, { namespace: 'default', limit: 1 })),
  );
  expect(proxy.accepted).toBeLessThanOrEqual(16);
  await through.close();
  await proxy.close();
});
