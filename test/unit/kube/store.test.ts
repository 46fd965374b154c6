import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { Store, type StoreChange } from '../../../src/kube/store.ts';

interface Thing extends KubeObject {
  readonly color?: string;
}

function thing(name: string, version: number, options: { uid?: string; color?: string } = {}): Thing {
  return {
    metadata: { name, namespace: 'ns', uid: options.uid ?? `uid-${name}`, resourceVersion: String(version) },
    ...(options.color !== undefined && { color: options.color }),
  };
}

function storeWithLog(): { store: Store<Thing>; log: string[] } {
  const store = new Store<Thing>({
    freeze: true,
    indexers: { color: ({ color }) => (color === undefined ? [] : [color]) },
  });
  const log: string[] = [];
  store.subscribe((change) => log.push(describeChange(change)));
  return { store, log };
}

function describeChange(change: StoreChange<Thing>): string {
  const object = change.type === 'deleted' ? change.old : change.new;
  return `${change.type} ${object.metadata.uid}@${object.metadata.resourceVersion}`;
}

test('the answer of a write is seen at once, and its echo by the watch changes nothing', () => {
  const { store, log } = storeWithLog();
  store.applyList([thing('a', 10)], '12', store.beginList());
  expect(store.upsertFromWrite(thing('a', 15))).toBe(true);
  store.applyEvent('MODIFIED', thing('a', 13));
  store.applyEvent('MODIFIED', thing('a', 15));
  expect(log).toEqual(['added uid-a@10', 'updated uid-a@15']);
});

test('versions are numbers: 9 is older than 10, and digits beyond 2^53 count', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 9)], '9', store.beginList());
  store.applyEvent('MODIFIED', thing('a', 10));
  expect(store.get('ns/a')?.metadata.resourceVersion).toBe('10');
  const huge = (digits: string): Thing => ({
    metadata: { ...thing('a', 0).metadata, resourceVersion: digits },
  });
  store.applyEvent('MODIFIED', huge('90071992547409931'));
  expect(store.upsertFromWrite(huge('90071992547409930'))).toBe(false);
  expect(store.upsertFromWrite(huge('90071992547409932'))).toBe(true);
});

test('a late answer does not bring back an object whose delete has been seen', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 10)], '10', store.beginList());
  store.applyEvent('DELETED', thing('a', 20));
  expect(store.upsertFromWrite(thing('a', 15))).toBe(false);
  expect(store.size).toBe(0);
});

test('an object that this process deleted stays away although the watch is behind', () => {
  const { store, log } = storeWithLog();
  store.applyList([], '5', store.beginList());
  store.upsertFromWrite(thing('a', 10));
  store.removeFromWrite('ns/a', 'uid-a');
  store.applyEvent('ADDED', thing('a', 10));
  store.applyEvent('MODIFIED', thing('a', 11));
  store.applyEvent('DELETED', thing('a', 12));
  expect(log).toEqual(['added uid-a@10', 'deleted uid-a@10']);
});

test('the same name with another uid is a delete and an add, by watch, list and write', () => {
  const { store, log } = storeWithLog();
  store.applyList([thing('a', 10, { uid: 'one' })], '10', store.beginList());
  store.applyEvent('ADDED', thing('a', 12, { uid: 'two' }));
  store.applyList([thing('a', 14, { uid: 'three' })], '15', store.beginList());
  store.upsertFromWrite(thing('a', 16, { uid: 'four' }));
  expect(log).toEqual([
    'added one@10',
    'deleted one@10',
    'added two@12',
    'deleted two@12',
    'added three@14',
    'deleted three@14',
    'added four@16',
  ]);
});

test('the end of an earlier object of the same name leaves the new one alone', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 10, { uid: 'one' })], '10', store.beginList());
  store.upsertFromWrite(thing('a', 14, { uid: 'two' }));
  store.applyEvent('DELETED', thing('a', 12, { uid: 'one' }));
  store.applyEvent('ADDED', thing('a', 14, { uid: 'two' }));
  expect(store.get('ns/a')?.metadata.uid).toBe('two');
});

test('what was written while a list was under way survives it', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 5)], '5', store.beginList());
  const token = store.beginList();
  store.upsertFromWrite(thing('a', 12));
  store.upsertFromWrite(thing('new', 13));
  store.applyList([thing('a', 5)], '10', token);
  expect(store.get('ns/a')?.metadata.resourceVersion).toBe('12');
  expect(store.get('ns/new')).toBeDefined();
});

test('a list of a history that began anew replaces everything, whatever its versions', () => {
  const { store, log } = storeWithLog();
  store.applyList([thing('a', 500), thing('b', 600)], '600', store.beginList());
  store.upsertFromWrite(thing('c', 700));
  log.length = 0;
  store.applyList([thing('a', 7, { uid: 'restored' })], '9', store.beginList());
  expect(log.toSorted()).toEqual([
    'added restored@7',
    'deleted uid-a@500',
    'deleted uid-b@600',
    'deleted uid-c@700',
  ]);
  store.applyEvent('MODIFIED', thing('a', 11, { uid: 'restored' }));
  expect(store.get('ns/a')?.metadata.resourceVersion).toBe('11');
});

test('a list reports only what differs', () => {
  const { store, log } = storeWithLog();
  store.applyList([thing('a', 1), thing('b', 2)], '2', store.beginList());
  log.length = 0;
  store.applyList([thing('a', 1), thing('b', 3)], '4', store.beginList());
  expect(log).toEqual(['updated uid-b@3']);
});

test('an index follows every change and forgets what is gone', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 1, { color: 'red' }), thing('b', 2, { color: 'red' })], '2', store.beginList());
  expect(store.byIndex('color', 'red').map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  store.applyEvent('MODIFIED', thing('a', 3, { color: 'blue' }));
  store.applyEvent('DELETED', thing('b', 4, { color: 'red' }));
  expect(store.byIndex('color', 'red')).toEqual([]);
  expect(store.byIndex('color', 'blue')).toHaveLength(1);
  expect(() => store.byIndex('shape', 'round')).toThrow('the store has no index "shape"');
});

test('field ownership is dropped, and objects are frozen where tests ask for it', () => {
  const { store } = storeWithLog();
  const metadata = { ...thing('a', 1).metadata, managedFields: [{ manager: 'x' }] };
  store.applyList([{ metadata }], '1', store.beginList());
  const cached = store.get('ns/a');
  expect(cached?.metadata).not.toHaveProperty('managedFields');
  expect(Object.isFrozen(cached?.metadata)).toBe(true);
});

test('a handler that throws neither breaks the store nor the other handlers', () => {
  const errors: unknown[] = [];
  const store = new Store<Thing>({ onHandlerError: (error) => errors.push(error) });
  const seen: string[] = [];
  store.subscribe(() => {
    throw new Error('broken handler');
  });
  store.subscribe((change) => seen.push(change.type));
  store.applyList([thing('a', 1)], '1', store.beginList());
  expect(seen).toEqual(['added']);
  expect(errors).toHaveLength(1);
});

test('waiting for the first list ends with it, or with the signal', async () => {
  const store = new Store<Thing>();
  const abort = new AbortController();
  const given = store.waitForSync(abort.signal);
  abort.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  const waiting = store.waitForSync();
  expect(store.synced).toBe(false);
  store.applyList([], '1', store.beginList());
  await waiting;
  expect(store.synced).toBe(true);
});

test('a subscriber that comes late is told what is there', () => {
  const { store } = storeWithLog();
  store.applyList([thing('a', 1)], '1', store.beginList());
  const seen: string[] = [];
  const unsubscribe = store.subscribe((change) => seen.push(describeChange(change)));
  unsubscribe();
  store.applyEvent('MODIFIED', thing('a', 2));
  expect(seen).toEqual(['added uid-a@1']);
});
