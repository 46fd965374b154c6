import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/kube/logger.ts';
import { Reflector } from '../../../src/kube/reflector.ts';
import { keyOf, type KubeObject } from '../../../src/kube/resource.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { Store } from '../../../src/kube/store.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { describeObjects, ScriptedCollection, type Delay } from '../../support/scripted-collection.ts';

interface Rig {
  readonly clock: ManualClock;
  readonly server: ScriptedCollection;
  readonly store: Store<KubeObject>;
  readonly relists: string[];
  readonly ends: string[];
  readonly stop: () => Promise<void>;
}

function start(
  delay: Delay = async () => undefined,
  firstVersion = 100,
  before: (server: ScriptedCollection, store: Store<KubeObject>) => void = () => undefined,
): Rig {
  const clock = new ManualClock();
  const server = new ScriptedCollection(delay, firstVersion);
  const store = new Store<KubeObject>({ freeze: true });
  before(server, store);
  const relists: string[] = [];
  const ends: string[] = [];
  const abort = new AbortController();
  const running = new Reflector({
    source: server,
    store,
    clock,
    random: () => 0.5,
    log: silentLogger,
    metrics: {
      ...noMetrics,
      relisted: (_, reason) => relists.push(reason),
      watchEnded: (_, cause) => ends.push(cause),
    },
  }).run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  return { clock, server, store, relists, ends, stop };
}

test('a watch that the server closed after a while goes on at once where it was', async () => {
  const { clock, server, store, relists, stop } = start();
  await clock.advance(5_000);
  server.closeWatches();
  await settle();
  expect(server.openWatches).toBe(1);
  server.put('a');
  await settle();
  expect(store.size).toBe(1);
  expect(relists).toEqual(['start']);
  await stop();
});

test('watches that end as soon as they open are not opened in a hot loop', async () => {
  const { clock, server, ends, stop } = start();
  for (let round = 0; round < 100; round += 1) {
    await settle();
    server.closeWatches();
    await clock.advance(100);
  }
  expect(ends.length).toBeLessThan(10);
  await stop();
});

test('a 410 leads to a new list, in-band and as a status', async () => {
  const { clock, server, store, relists, stop } = start();
  await clock.advance(5_000);
  server.sendError(410);
  await clock.advance(1_000);
  expect(relists).toEqual(['start', 'expired']);
  server.resetWatches();
  await settle();
  server.put('a');
  server.compact();
  await clock.advance(1_000);
  expect(relists).toEqual(['start', 'expired', 'expired']);
  expect(describeObjects(store.values())).toEqual(server.contents());
  await stop();
});

test('a collection of several pages is read whole, also when the pages expire half way', async () => {
  let pages = 0;
  const { clock, server, store, relists, stop } = start(async (label) => {
    if (label === 'list' && ++pages === 2) server.compact();
  });
  for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(name);
  await clock.advance(5_000);
  expect(pages).toBe(3);
  expect(describeObjects(store.values())).toEqual(server.contents());
  server.sendError(410);
  await clock.advance(1_000);
  expect(pages).toBe(6);
  expect(relists).toEqual(['start', 'expired']);
  expect(describeObjects(store.values())).toEqual(server.contents());
  await stop();
});

test('another in-band error opens the watch again without a list', async () => {
  const { clock, server, store, relists, ends, stop } = start();
  await clock.advance(5_000);
  server.sendError(500);
  await clock.advance(1_000);
  server.put('a');
  await clock.advance(0);
  expect(store.size).toBe(1);
  expect(relists).toEqual(['start']);
  expect(ends).toEqual(['InternalError']);
  await stop();
});

test('a watch without a line for 90 seconds is cut; bookmarks keep it', async () => {
  const { clock, server, ends, stop } = start();
  for (let minute = 0; minute < 4; minute += 1) {
    await clock.advance(60_000);
    server.bookmark();
  }
  expect(ends).toEqual([]);
  await clock.advance(91_000);
  expect(ends).toEqual(['Idle']);
  expect(server.openWatches).toBe(1);
  await stop();
});

test('a server that forgets to end the watch is cut after its time and ten seconds', async () => {
  const { clock, server, ends, stop } = start();
  for (let step = 0; step < 46; step += 1) {
    server.bookmark();
    await clock.advance(10_000);
  }
  expect(ends).toEqual(['Deadline']);
  await stop();
});

test.each([
  { name: 'younger than what was seen', version: 5, reason: 'rewound' },
  { name: 'older than what was seen', version: 500, reason: 'replaced' },
])(
  'a server that lost everything is noticed at the reconnect: history $name',
  async ({ version, reason }) => {
    const { clock, server, store, relists, stop } = start();
    server.put('a');
    await clock.advance(5_000);
    server.wipe(version);
    await clock.advance(1_000);
    expect(relists).toEqual(['start', reason]);
    expect(store.size).toBe(0);
    await stop();
  },
);

test('another object under a known name is noticed at the reconnect', async () => {
  const { clock, server, store, relists, stop } = start();
  server.put('a');
  await clock.advance(5_000);
  server.wipe(500);
  server.put('a');
  await clock.advance(1_000);
  expect(relists).toEqual(['start', 'replaced']);
  expect(describeObjects(store.values())).toEqual(server.contents());
  await stop();
});

test('stopping leaves no timer and no watch behind, wherever it happens', async () => {
  for (const wait of [0, 1, 50, 300, 5_000]) {
    const { clock, server, stop } = start();
    server.failingLists = 2;
    await clock.advance(wait);
    await stop();
    await settle();
    expect(clock.pendingTimers).toBe(0);
    expect(server.openWatches).toBe(0);
  }
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('put', 'remove', 'write', 'erase'),
      name: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('close', 'reset', 'expire', 'fail', 'compact', 'bookmark', 'unlist', 'wait'),
      name: fc.constant(''),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wipe'), name: fc.constant('') }) },
);

function play(rig: Rig, action: { readonly do: string; readonly name: string }): Promise<void> | void {
  const { server, store, clock } = rig;
  switch (action.do) {
    case 'put':
      server.put(action.name);
      return;
    case 'remove':
      server.remove(action.name);
      return;
    case 'write':
      store.upsertFromWrite(server.put(action.name));
      return;
    case 'erase': {
      const gone = server.remove(action.name);
      if (gone !== undefined) store.removeFromWrite(keyOf(gone), gone.metadata.uid ?? '');
      return;
    }
    case 'close':
      return server.closeWatches();
    case 'reset':
      return server.resetWatches();
    case 'expire':
      return server.sendError(410);
    case 'fail':
      return server.sendError(500);
    case 'compact':
      return server.compact();
    case 'bookmark':
      return server.bookmark();
    case 'unlist':
      server.failingLists = 2;
      return;
    case 'wipe':
      return server.wipe();
    default:
      return clock.advance(700);
  }
}

test('whatever breaks in whatever order, the store ends equal to the server', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(step, { maxLength: 40 }),
      fc.boolean(),
      async (scheduler, steps, slow) => {
        let chaos = true;
        const delay: Delay = async (label) => {
          if (chaos && slow) await scheduler.schedule(Promise.resolve(), label);
        };
        const rig = start(delay, 1_000);
        const script = scheduler.scheduleSequence(
          steps.map((action) => ({ label: action.do, builder: async () => play(rig, action) })),
        );
        await scheduler.waitFor(script.task);
        chaos = false;
        for (let round = 0; round < 10; round += 1) {
          await scheduler.waitAll();
          await settle();
          await rig.clock.advance(60_000);
          rig.server.bookmark();
        }
        const version = (change: KubeObject): string => change.metadata.resourceVersion ?? '';
        expect(describeObjects(rig.store.values())).toEqual(rig.server.contents());
        expect([...rig.store.values()].every((object) => version(object) !== '')).toBe(true);
        const stopped = rig.stop();
        await scheduler.waitAll();
        await stopped;
        await settle();
        expect(rig.clock.pendingTimers).toBe(0);
        expect(rig.server.openWatches).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
}, 30_000);
