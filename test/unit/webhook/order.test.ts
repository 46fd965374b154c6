import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { CoalescedRead } from '../../../src/webhook/coalesced-read.ts';
import { HandshakeGate } from '../../../src/webhook/handshake-gate.ts';
import { HostQueue, HostQueueFullError } from '../../../src/webhook/host-queue.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

test('what one host sends is worked on one at a time, in order, whatever fails; hosts do not wait for others', async () => {
  const queue = new HostQueue(8);
  const log: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const run = (host: string, name: string): Promise<void> => {
    const gate = Promise.withResolvers<void>();
    gates.set(name, gate);
    return queue.run(host, async () => {
      log.push(`${name} begins`);
      await gate.promise;
      log.push(`${name} ends`);
    });
  };
  const all = [run('a', 'a1'), run('a', 'a2'), run('b', 'b1'), run('a', 'a3')];
  const ended = Promise.allSettled(all);
  await settle();
  expect(log).toEqual(['a1 begins', 'b1 begins']);
  gates.get('a1')?.reject(new Error('no luck'));
  await settle();
  expect(log).toEqual(['a1 begins', 'b1 begins', 'a2 begins']);
  gates.get('b1')?.resolve();
  gates.get('a2')?.resolve();
  gates.get('a3')?.resolve();
  expect((await ended).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  expect(log.slice(3).filter((line) => line.startsWith('a'))).toEqual(['a2 ends', 'a3 begins', 'a3 ends']);
  await settle();
  expect(queue.size).toBe(0);
});

test('a line that is too long takes nothing more, and is open again when it is shorter', async () => {
  const queue = new HostQueue(2);
  const gate = Promise.withResolvers<void>();
  const taken = [queue.run('a', () => gate.promise), queue.run('a', () => gate.promise)];
  await expect(queue.run('a', () => gate.promise)).rejects.toThrow(HostQueueFullError);
  await queue.run('b', () => Promise.resolve());
  gate.resolve();
  await Promise.all(taken);
  await settle();
  await queue.run('a', () => Promise.resolve());
});

test('a coalesced read is never older than the call, and costs one read for many', async () => {
  const reads: PromiseWithResolvers<number>[] = [];
  const read = new CoalescedRead(() => {
    const next = Promise.withResolvers<number>();
    reads.push(next);
    return next.promise;
  });
  const first = read.get();
  const later = [read.get(), read.get(), read.get()];
  reads[0]?.resolve(1);
  expect(await first).toBe(1);
  await settle();
  expect(reads).toHaveLength(2);
  reads[1]?.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
  await settle();
  const failing = read.get();
  reads[2]?.reject(new Error('no answer'));
  await expect(failing).rejects.toThrow('no answer');
  await settle();
  const again = read.get();
  reads[3]?.resolve(4);
  expect(await again).toBe(4);
});

test('handshakes beyond the rate wait their turn; beyond two seconds of them connections are refused', async () => {
  const clock = new ManualClock();
  const gate = new HandshakeGate(10, clock);
  let begun = 0;
  const admit = (): boolean => gate.admit(new Socket(), () => void (begun += 1));
  const admitted = Array.from({ length: 40 }, admit);
  expect([begun, admitted.filter(Boolean).length]).toEqual([10, 30]);
  await clock.advance(500);
  expect(begun).toBe(15);
  await clock.advance(2_000);
  expect(begun).toBe(30);
  expect(clock.pendingTimers).toBe(0);
  gate.close();
});

test('a process short of CPU lets in what it can do: a late look does not make up for the ones that were missed', async () => {
  const clock = new ManualClock();
  const gate = new HandshakeGate(200, clock);
  let begun = 0;
  for (let index = 0; index < 500; index += 1) gate.admit(new Socket(), () => void (begun += 1));
  expect(begun).toBe(200);
  clock.jump(2_000);
  await clock.advance(0);
  expect(begun).toBe(204);
  await clock.advance(1_000);
  expect(begun).toBe(404);
  gate.close();
});
