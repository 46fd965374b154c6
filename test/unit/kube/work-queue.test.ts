import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noMetrics, type RuntimeMetrics } from '../../../src/kube/runtime-metrics.ts';
import { WorkQueue } from '../../../src/kube/work-queue.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

function queueOf(clock = new ManualClock(), metrics: RuntimeMetrics = noMetrics): WorkQueue {
  return new WorkQueue({ name: 'test', clock, metrics });
}

test('a key added many times is handed out once', async () => {
  const queue = queueOf();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  expect(await queue.get()).toBe('a');
  expect(await queue.get()).toBe('b');
  expect(queue.depth).toBe(0);
});

test('a key added while it is worked on comes again once, and only after it is given back', async () => {
  const queue = queueOf();
  queue.add('a');
  await queue.get();
  queue.add('a');
  queue.add('a');
  const next = queue.get();
  let taken = false;
  void next.then(() => (taken = true));
  await settle();
  expect(taken).toBe(false);
  queue.done('a');
  expect(await next).toBe('a');
  queue.done('a');
  expect(queue.tracked).toBe(0);
});

test('a failing key waits 5, 10, 20 … ms, at most the cap, until it is forgotten', async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ name: 'test', clock, maxDelayMs: 30 });
  for (const delay of [5, 10, 20, 30, 30]) {
    queue.addRateLimited('a');
    await clock.advance(delay - 1);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
    await queue.get();
    queue.done('a');
  }
  queue.forget('a');
  queue.addRateLimited('a');
  await clock.advance(5);
  expect(queue.depth).toBe(1);
});

test('a server that asks for time gets it', async () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  queue.addRateLimited('a', 2000);
  await clock.advance(1999);
  expect(queue.depth).toBe(0);
  await clock.advance(1);
  expect(queue.depth).toBe(1);
});

test('of several delays of one key the earliest counts, and the others bring nothing', async () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  queue.addAfter('a', 300);
  queue.addAfter('a', 100);
  queue.addAfter('a', 200);
  await clock.advance(100);
  expect(await queue.get()).toBe('a');
  queue.done('a');
  await clock.advance(1000);
  expect(queue.depth).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

test('many delays need one timer', () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  for (let n = 0; n < 1000; n += 1) queue.addAfter(`key-${n}`, 1 + ((n * 7919) % 1000));
  expect(clock.pendingTimers).toBe(1);
});

test('the overall bucket spreads the retries of many keys', async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ name: 'test', clock, overall: { perSecond: 10, burst: 2 } });
  for (let n = 0; n < 12; n += 1) queue.addRateLimited(`key-${n}`);
  await clock.advance(50);
  expect(queue.depth).toBe(2);
  await clock.advance(950);
  expect(queue.depth).toBe(12);
});

test('shutting down drops what waits, frees the workers and waits for the busy one', async () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  queue.add('busy');
  await queue.get();
  const idle = queue.get();
  const drained = queue.shutdownWithDrain(1000);
  expect(await idle).toBeUndefined();
  queue.add('late');
  expect(queue.depth).toBe(0);
  queue.done('busy');
  expect(await drained).toBe(true);
  expect(clock.pendingTimers).toBe(0);
});

test('a worker that does not come back does not hold the shutdown for ever', async () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  queue.add('stuck');
  await queue.get();
  const drained = queue.shutdownWithDrain(1000);
  await clock.advance(1000);
  expect(await drained).toBe(false);
});

test('the slowest worker is the one that is reported', async () => {
  const clock = new ManualClock();
  const queue = queueOf(clock);
  queue.add('a');
  queue.add('b');
  await queue.get();
  await clock.advance(100);
  await queue.get();
  await clock.advance(50);
  expect(queue.longestRunningMs).toBe(150);
  queue.done('a');
  expect(queue.longestRunningMs).toBe(50);
  expect(queue.unfinishedMs).toBe(50);
});

test('metrics see depth, waiting and working time', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const queue = queueOf(clock, {
    ...noMetrics,
    queueDepth: (_, depth) => seen.push(`depth ${depth}`),
    queueWaited: (_, seconds) => seen.push(`waited ${seconds}`),
    queueWorked: (_, seconds) => seen.push(`worked ${seconds}`),
    queueRetried: () => seen.push('retried'),
  });
  queue.add('a');
  await clock.advance(2000);
  await queue.get();
  await clock.advance(3000);
  queue.addRateLimited('a');
  queue.done('a');
  expect(seen).toEqual(['depth 1', 'waited 2', 'depth 0', 'retried', 'worked 3']);
});

type Action =
  | { readonly kind: 'add'; readonly key: string }
  | { readonly kind: 'retry'; readonly key: string }
  | { readonly kind: 'after'; readonly key: string; readonly ms: number }
  | { readonly kind: 'pass'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c');
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), key }),
  fc.record({ kind: fc.constant('retry' as const), key }),
  fc.record({ kind: fc.constant('after' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

test('whatever happens, no key is worked on twice at once and no change goes unseen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(action, { maxLength: 40 }), async (scheduler, actions) => {
      const clock = new ManualClock();
      const queue = queueOf(clock);
      const running = new Set<string>();
      const asked = new Map<string, number>();
      const seen = new Map<string, number>();
      const work = async (): Promise<void> => {
        for (let taken = await queue.get(); taken !== undefined; taken = await queue.get()) {
          expect(running.has(taken)).toBe(false);
          running.add(taken);
          // Level-triggered: a worker sees everything that was asked for before it started.
          seen.set(taken, asked.get(taken) ?? 0);
          await scheduler.schedule(Promise.resolve(), `work on ${taken}`);
          running.delete(taken);
          queue.done(taken);
        }
      };
      const workers = [work(), work(), work()];
      const producer = scheduler.scheduleSequence(
        actions.map((step) => ({
          label: step.kind,
          builder: async () => {
            if (step.kind === 'pass') {
              await clock.advance(step.ms);
              return;
            }
            asked.set(step.key, (asked.get(step.key) ?? 0) + 1);
            if (step.kind === 'add') queue.add(step.key);
            else if (step.kind === 'retry') queue.addRateLimited(step.key);
            else queue.addAfter(step.key, step.ms);
          },
        })),
      );
      await scheduler.waitFor(producer.task);
      await clock.advance(120_000);
      await scheduler.waitAll();
      await settle();
      while (scheduler.count() > 0) {
        await scheduler.waitAll();
        await settle();
      }
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(asked));
      for (const name of asked.keys()) queue.forget(name);
      expect(queue.tracked).toBe(0);
      expect(clock.pendingTimers).toBe(0);
      queue.shutdown();
      await Promise.all(workers);
    }),
    { numRuns: 60 },
  );
});
