import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderStore, memoryStore } from '../../../src/agent/durable-store.ts';
import type { AgentFeedEvent } from '../../../src/agent/feed.ts';
import { Outbox, outboxLimit, type OutboxOptions } from '../../../src/agent/outbox.ts';
import type { AgentEvent } from '../../../src/api/wire/events.ts';
import { timestampFromMillis } from '../../../src/api/time.ts';

const event = (seq: number): AgentEvent => ({
  kind: 'Converged',
  convergedAt: timestampFromMillis(0),
  currentClosure: 'c',
  seq,
});

function outbox(change: Partial<OutboxOptions> = {}): {
  box: Outbox;
  sent: string[];
  feed: AgentFeedEvent[];
} {
  const sent: string[] = [];
  const feed: AgentFeedEvent[] = [];
  const box = new Outbox({
    hostname: 'web-01',
    store: memoryStore(),
    report: (entry) => feed.push(entry),
    shadowsEqualSeq: true,
    send: async ({ rolloutId, event: { seq } }) => {
      sent.push(`${rolloutId} ${seq}`);
      return 204;
    },
    ...change,
  });
  return { box, sent, feed };
}

describe('the outbox', () => {
  it('sends in the order of seq, over all rollouts, whatever the order of arrival', async () => {
    let online = false;
    const order: number[] = [];
    const { box } = outbox({
      send: async (envelope) => {
        if (!online) throw new Error('offline');
        order.push(envelope.event.seq);
        return 204;
      },
    });
    for (const [rollout, seq] of [
      ['a@1', 3],
      ['b@1', 10],
      ['a@1', 2],
    ] as const)
      await box.add(rollout, event(seq));
    await box.flush();
    online = true;
    await box.flush();
    expect(order).toEqual([2, 3, 10]);
  });

  it.each([
    [true, ['b@1 1', 'a@1 1']],
    [false, ['a@1 1', 'b@1 1']],
  ])(
    'quirk of equal seqs %s: the shadowed event goes with the next pass',
    async (shadowsEqualSeq, expected) => {
      const store = memoryStore();
      const offline = outbox({ store, shadowsEqualSeq, send: async () => 503 });
      await offline.box.add('a@1', event(1));
      await offline.box.add('b@1', event(1));
      await offline.box.flush();
      const { box, sent } = outbox({ store, shadowsEqualSeq });
      await box.flush();
      expect(sent).toEqual(expected);
    },
  );

  it.each([[400], [404], [503]])('stops at a %i and keeps what it could not send', async (status) => {
    const { box, feed } = outbox({ send: async () => status });
    await box.add('a@1', event(1));
    await box.add('a@1', event(2));
    await box.flush();
    expect(await box.size()).toBe(2);
    expect(feed.every((entry) => entry.type !== 'event-sent' || entry.seq === 1)).toBe(true);
  });

  it('is bounded: what does not fit is lost, and said', async () => {
    const store = memoryStore();
    for (let index = 0; index < outboxLimit; index += 1) await store.put(String(index), Buffer.from('{}'));
    const { box, feed } = outbox({ store, send: async () => 503 });
    await box.add('a@1', event(1));
    expect(feed[0]).toMatchObject({ type: 'error', message: expect.stringContaining('full') });
  });

  it('drops a file that is no event, so that it blocks nobody', async () => {
    const store = memoryStore();
    await store.put('0', Buffer.from('{"half":'));
    const { box, sent } = outbox({ store });
    await box.add('a@1', event(1));
    await box.flush();
    expect(sent).toEqual(['a@1 1']);
    expect(await box.size()).toBe(0);
  });
});

describe('a folder on disk', () => {
  it('gives a new process what the old one left', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agent-'));
    onTestFinished(async () => rm(folder, { recursive: true }));
    await outbox({ store: folderStore(join(folder, 'outbound-queue')), send: async () => 503 }).box.add(
      'a@1',
      event(7),
    );
    const { box, sent } = outbox({ store: folderStore(join(folder, 'outbound-queue')) });
    expect(await box.size()).toBe(1);
    await box.flush();
    expect(sent).toEqual(['a@1 7']);
    expect(await folderStore(join(folder, 'nothing')).list()).toEqual([]);
  });
});
