import { expect, test } from 'vitest';
import { Controller, type Reconcile } from '../../../src/kube/controller.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

interface Rig {
  readonly clock: ManualClock;
  readonly controller: Controller;
  readonly outcomes: string[];
  readonly errors: string[];
}

function rig(reconcile: Reconcile, workers = 1): Rig {
  const clock = new ManualClock();
  const outcomes: string[] = [];
  const errors: string[] = [];
  const log: Logger = { ...silentLogger, error: (_, message) => errors.push(message), child: () => log };
  const controller = new Controller({
    name: 'test',
    reconcile,
    clock,
    log,
    workers,
    timeoutMs: 60_000,
    metrics: { ...noMetrics, reconciled: (_, outcome) => outcomes.push(outcome) },
  });
  controller.start();
  return { clock, controller, outcomes, errors };
}

test('a key is reconciled, and again when the result asks for it', async () => {
  let runs = 0;
  const { clock, controller, outcomes } = rig(async () => (++runs === 1 ? { requeueAfterMs: 5_000 } : {}));
  controller.queue.add('a');
  await clock.advance(4_999);
  expect(runs).toBe(1);
  await clock.advance(1);
  expect(runs).toBe(2);
  expect(outcomes).toEqual(['requeue_after', 'success']);
  expect(controller.queue.tracked).toBe(0);
});

test('a failure is logged and tried again, later each time, and success ends the back-off', async () => {
  let failures = 4;
  const { clock, controller, outcomes, errors } = rig(async () => {
    if (failures-- > 0) throw new Error('broken');
  });
  controller.queue.add('a');
  await clock.advance(5 + 10 + 20 + 40);
  expect(outcomes).toEqual(['error', 'error', 'error', 'error', 'success']);
  expect(errors).toHaveLength(4);
  expect(controller.queue.failures('a')).toBe(0);
});

test.each([
  { name: 'a conflict', error: new KubeError({ status: 409, reason: 'Conflict', message: 'x' }) },
  { name: 'a missing object', error: new KubeError({ status: 404, reason: 'NotFound', message: 'x' }) },
])('$name is tried again without an error in the log', async ({ error }) => {
  let first = true;
  const { clock, controller, outcomes, errors } = rig(async () => {
    if (!first) return;
    first = false;
    throw error;
  });
  controller.queue.add('a');
  await clock.advance(10);
  expect(outcomes).toEqual(['requeue', 'success']);
  expect(errors).toEqual([]);
});

test('a server that asks to wait is not asked again before', async () => {
  let runs = 0;
  const { clock, controller } = rig(async () => {
    runs += 1;
    throw new KubeError({ status: 429, reason: 'TooManyRequests', message: 'x', retryAfterMs: 3_000 });
  });
  controller.queue.add('a');
  await clock.advance(2_999);
  expect(runs).toBe(1);
  await clock.advance(1);
  expect(runs).toBe(2);
});

test('a reconcile that throws at once, or throws no error at all, does not end its worker', async () => {
  const seen: string[] = [];
  const { clock, controller } = rig((key) => {
    seen.push(key);
    // eslint-disable-next-line typescript/only-throw-error -- the point of the test
    if (key === 'bad') throw 'text';
    return Promise.resolve({});
  });
  controller.queue.add('bad');
  controller.queue.add('good');
  await clock.advance(0);
  expect(seen).toEqual(['bad', 'good']);
});

test('a reconcile that takes too long is told to end', async () => {
  const { clock, controller, outcomes } = rig(
    (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  controller.queue.add('slow');
  await clock.advance(59_999);
  expect(outcomes).toEqual([]);
  await clock.advance(1);
  expect(outcomes).toEqual(['error']);
});

test('workers run side by side, never two on one key', async () => {
  const running: string[] = [];
  let most = 0;
  const { clock, controller } = rig(async (key, { signal }) => {
    expect(running).not.toContain(key);
    running.push(key);
    most = Math.max(most, running.length);
    await clock.sleep(100, signal);
    running.splice(running.indexOf(key), 1);
  }, 3);
  for (const key of ['a', 'b', 'c', 'd']) controller.queue.add(key);
  await clock.advance(50);
  for (const key of ['a', 'b']) controller.queue.add(key);
  await clock.advance(1_000);
  expect(most).toBe(3);
});

test('stopping waits for what runs, then tells it to end', async () => {
  let aborted = false;
  const { clock, controller } = rig(
    (_, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          resolve({});
        });
      }),
  );
  controller.queue.add('a');
  await settle();
  const stopped = controller.stop(5_000);
  await clock.advance(4_999);
  expect(aborted).toBe(false);
  await clock.advance(1);
  expect(await stopped).toBe(false);
  expect(aborted).toBe(true);
  await settle();
  expect(clock.pendingTimers).toBe(0);
});

test('many keys that need no request are not worked on in one go: timers and answers get their turn', async () => {
  const seen: string[] = [];
  const made: Rig = rig(async (key) => {
    seen.push(key);
    made.clock.jump(8);
  });
  const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);
  for (const key of keys) made.controller.queue.add(key);
  await settle();
  expect(seen.length).toBeLessThan(5);
  for (let turn = 0; turn < 5; turn += 1) await made.clock.advance(0);
  expect(seen).toEqual(keys);
});
