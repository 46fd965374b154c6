import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NotLeaderError } from '../../../src/kube/errors.ts';
import { LeaderElector } from '../../../src/kube/leader-election.ts';
import type { Lease } from '../../../src/kube/lease.ts';
import { silentLogger } from '../../../src/kube/logger.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { MemoryApi, type MemoryClient } from '../../support/memory-api.ts';

const LEASE = { namespace: 'ns', name: 'operator' };

interface Candidate {
  readonly elector: LeaderElector;
  readonly client: MemoryClient;
  readonly log: string[];
  readonly stop: () => Promise<void>;
}

function candidate(api: MemoryApi, clock: ManualClock, identity: string): Candidate {
  const client = api.client(clock);
  const log: string[] = [];
  const elector = new LeaderElector({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
    lease: LEASE,
    identity,
    onStarted: () => log.push('started'),
    onLost: (reason) => log.push(`lost: ${reason}`),
  });
  const abort = new AbortController();
  const running = elector.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  return { elector, client, log, stop };
}

function withHolder(lease: Lease, holderIdentity: string): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity } };
}

function leaseIn(api: MemoryApi): Lease['spec'] {
  const found: Lease | undefined = api.peek(LEASE);
  return found?.spec;
}

test('the first to ask leads, and writes times with six digits', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock('2026-01-01T00:00:00Z');
  const a = candidate(api, clock, 'a');
  await settle();
  const b = candidate(api, clock, 'b');
  await clock.advance(60_000);
  expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([true, false]);
  expect(leaseIn(api)).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:01:00.000000Z',
    leaseTransitions: 0,
  });
  await Promise.all([a.stop(), b.stop()]);
});

test('a clean stop hands over within the next look of the other', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  const b = candidate(api, clock, 'b');
  await clock.advance(10_000);
  await a.stop();
  expect(a.elector.isLeader()).toBe(false);
  expect(a.log).toEqual(['started']);
  await clock.advance(3_000);
  expect(b.elector.isLeader()).toBe(true);
  expect(leaseIn(api)?.leaseTransitions).toBe(1);
  await b.stop();
});

test('a leader that dies is followed after the lease duration, no later than three seconds after', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  const b = candidate(api, clock, 'b');
  await clock.advance(10_000);
  a.client.mode = 'hang';
  await clock.advance(12_900);
  expect(b.elector.isLeader()).toBe(false);
  await clock.advance(5_100);
  expect(b.elector.isLeader()).toBe(true);
  await b.stop();
});

test('a leader that cannot renew stops leading before another can begin, and says so once', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  a.client.mode = 'refuse';
  await clock.advance(9_999);
  expect(a.elector.isLeader()).toBe(true);
  await clock.advance(1);
  expect(a.elector.isLeader()).toBe(false);
  expect(() => a.elector.assertLeader()).toThrow(NotLeaderError);
  await clock.advance(1_000);
  expect(a.log).toEqual(['started', 'lost: the Lease was not renewed in time']);
  a.client.mode = 'pass';
  await clock.advance(60_000);
  expect(a.elector.isLeader()).toBe(false);
});

test('a short outage is survived', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  a.client.mode = 'refuse';
  await clock.advance(7_000);
  a.client.mode = 'pass';
  await clock.advance(60_000);
  expect(a.elector.isLeader()).toBe(true);
  await a.stop();
});

test('a renewal that was done but whose answer was lost does not end leadership', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  a.client.mode = 'lose-answers';
  await clock.advance(2_500);
  a.client.mode = 'pass';
  await clock.advance(30_000);
  expect(a.elector.isLeader()).toBe(true);
  await a.stop();
});

test('a process that was stopped for long leads no more when it wakes, before it has asked anybody', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await clock.advance(1_000);
  clock.jump(10_000);
  expect(a.elector.isLeader()).toBe(false);
  await clock.advance(0);
  expect(a.log).toEqual(['started', 'lost: the Lease was not renewed in time']);
});

test('wall clocks that are wrong or jump change nothing', async () => {
  const api = new MemoryApi();
  const clockA = new ManualClock('2020-01-01T00:00:00Z');
  const clockB = new ManualClock('2033-01-01T00:00:00Z');
  const a = candidate(api, clockA, 'a');
  await settle();
  const b = candidate(api, clockB, 'b');
  for (let second = 0; second < 60; second += 1) {
    if (second === 30) clockB.setWallClock('2050-01-01T00:00:00Z');
    await clockA.advance(1_000);
    await clockB.advance(1_000);
  }
  expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([true, false]);
  await Promise.all([a.stop(), b.stop()]);
});

test('a claim under this process’s own identity is someone else’s, until it has run out', async () => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const before = candidate(api, clock, 'same');
  await settle();
  before.client.mode = 'hang';
  const after = candidate(api, clock, 'same');
  await clock.advance(14_000);
  expect(after.elector.isLeader()).toBe(false);
  await clock.advance(4_000);
  expect(after.elector.isLeader()).toBe(true);
  await after.stop();
});

test.each([
  { what: 'deleted', meddle: (api: MemoryApi) => api.drop(LEASE), reason: 'lost: the Lease was deleted' },
  {
    what: 'given to another',
    meddle: (api: MemoryApi) => void api.replace(withHolder(api.get(LEASE), 'thief')),
    reason: 'lost: the Lease went to thief',
  },
])('a Lease that is $what ends leadership', async ({ meddle, reason }) => {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const a = candidate(api, clock, 'a');
  await settle();
  meddle(api);
  await clock.advance(2_500);
  expect(a.log).toEqual(['started', reason]);
  expect(a.elector.isLeader()).toBe(false);
});

test('times that cannot be safe are refused', () => {
  const api = new MemoryApi();
  const options = {
    client: api.client(new ManualClock()),
    clock: new ManualClock(),
    random: () => 0,
    log: silentLogger,
    lease: LEASE,
    identity: 'a',
    onStarted: () => undefined,
    onLost: () => undefined,
  };
  expect(() => new LeaderElector({ ...options, durationMs: 10_000 })).toThrow('renewDeadlineMs < durationMs');
});

const trouble = fc.record({
  who: fc.constantFrom(0, 1),
  mode: fc.constantFrom('pass' as const, 'refuse' as const, 'lose-answers' as const, 'hang' as const),
  freezeMs: fc.constantFrom(0, 0, 0, 3_000, 9_000, 20_000),
  thenMs: fc.integer({ min: 100, max: 8_000 }),
});

test('with clocks of their own, outages and freezes, two processes never lead at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(trouble, { maxLength: 25 }), async (troubles) => {
      const api = new MemoryApi();
      const clocks = [new ManualClock(), new ManualClock()] as const;
      const both = [candidate(api, clocks[0], 'a'), candidate(api, clocks[1], 'b')] as const;
      const atMostOne = (): void =>
        expect(both.filter(({ elector }) => elector.isLeader()).length).toBeLessThanOrEqual(1);
      for (const { who, mode, freezeMs, thenMs } of troubles) {
        both[who].client.mode = mode;
        // One process stands still while time passes for the other.
        for (let ms = 0; ms < freezeMs; ms += 500) {
          clocks[who].jump(500);
          await clocks[who === 0 ? 1 : 0].advance(500);
          atMostOne();
        }
        for (let ms = 0; ms < thenMs; ms += 500) {
          await clocks[0].advance(500);
          await clocks[1].advance(500);
          atMostOne();
        }
      }
      for (const { client } of both) client.mode = 'pass';
      await Promise.all(both.map(({ stop }) => stop()));
    }),
    { numRuns: 40 },
  );
}, 30_000);
