import { expect, test } from 'vitest';
import { EventRecorder, truncateUtf8, type EventNote } from '../../../src/kube/events.ts';
import { silentLogger } from '../../../src/kube/logger.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { MemoryApi, type MemoryClient } from '../../support/memory-api.ts';

const ABOUT = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'thing', namespace: 'ns', uid: 'u', resourceVersion: '7' },
};

interface Rig {
  readonly api: MemoryApi;
  readonly client: MemoryClient;
  readonly clock: ManualClock;
  readonly recorder: EventRecorder;
  readonly dropped: string[];
}

function rig(options: { queueLimit?: number } = {}): Rig {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const client = api.client(clock);
  const dropped: string[] = [];
  let count = 0;
  const recorder = new EventRecorder({
    client,
    clock,
    log: silentLogger,
    metrics: { ...noMetrics, eventDropped: (cause) => dropped.push(cause) },
    controller: 'test.dev/operator',
    instance: 'pod-1',
    uniqueSuffix: () => String(++count),
    limit: { perSecond: 1, burst: 3 },
    ...options,
  });
  return { api, client, clock, recorder, dropped };
}

function note(message: string, type: EventNote['type'] = 'Normal'): EventNote {
  return { about: ABOUT, type, reason: 'Happened', message };
}

test('an Event says what happened to which object, and who says so', async () => {
  const { api, recorder } = rig();
  recorder.record(note('it happened', 'Warning'));
  await recorder.idle();
  expect(api.peek({ namespace: 'ns', name: 'thing.1' })).toMatchObject({
    kind: 'Event',
    type: 'Warning',
    reason: 'Happened',
    action: 'Happened',
    note: 'it happened',
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'test.dev/operator',
    reportingInstance: 'pod-1',
    regarding: { kind: 'Thing', name: 'thing', namespace: 'ns', uid: 'u' },
  });
});

test('the same about the same object is said once in two minutes', async () => {
  const { api, clock, recorder, dropped } = rig();
  recorder.record(note('a'));
  recorder.record(note('a'));
  recorder.record(note('b'));
  await clock.advance(119_999);
  recorder.record(note('a'));
  await clock.advance(1);
  recorder.record(note('a'));
  await recorder.idle();
  expect(api.writes).toHaveLength(3);
  expect(dropped).toEqual(['duplicate', 'duplicate']);
});

test('a burst is spread over time, and what does not fit the queue is counted', async () => {
  const { api, clock, recorder, dropped } = rig({ queueLimit: 5 });
  for (let n = 0; n < 10; n += 1) recorder.record(note(`note ${n}`));
  await settle();
  expect(api.writes).toHaveLength(3);
  await clock.advance(10_000);
  expect(api.writes).toHaveLength(6);
  expect(dropped).toEqual(['queue-full', 'queue-full', 'queue-full', 'queue-full']);
});

test('an API server that does not answer holds nobody up', async () => {
  const { client, clock, recorder, dropped } = rig();
  client.mode = 'refuse';
  recorder.record(note('lost'));
  await recorder.idle();
  expect(dropped).toEqual(['failed']);
  client.mode = 'hang';
  recorder.record(note('stuck'));
  await settle();
  recorder.stop();
  await recorder.idle();
  expect(clock.pendingTimers).toBe(0);
});

test('a long text is cut at a character, within 1 KiB', () => {
  const cut = truncateUtf8('é'.repeat(1000), 1024);
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
  expect(cut).toMatch(/^é+…$/);
  expect(truncateUtf8('short', 1024)).toBe('short');
});
