import { describe, expect, test } from 'vitest';
import { addMillis } from '../../../src/api/time.ts';
import { recordForEvent } from '../../../src/webhook/decide-attempt.ts';
import { deliveryDue } from '../../../src/webhook/decide-delivery.ts';
import { decideHeartbeat, decideReplayFrom } from '../../../src/webhook/decide-heartbeat.ts';
import { decideHostFacts } from '../../../src/webhook/decide-host-facts.ts';
import { machineIdOf } from '../../../src/webhook/peer.ts';
import { at, host, PRIOR, record, ROLLOUT_ID, TARGET } from './support.ts';

const NOW = at('10:00:00');

describe('the machine of a common name', () => {
  test.each([
    ['agent-web-01.fleet.example', 'web-01'],
    ['agent-a.b.fleet.example', 'a.b'],
    ['agent-agent-x.fleet.example', 'agent-x'],
    ['web-01', 'web-01'],
    ['agent-web-01.other.example', 'agent-web-01.other.example'],
    ['agent-web-01xfleet.example', 'agent-web-01xfleet.example'],
    ['agent-.fleet.example', 'agent-.fleet.example'],
    ['web-01.fleet.example', 'web-01.fleet.example'],
  ])('%s → %s', (commonName, machineId) => {
    expect(machineIdOf(commonName, 'fleet.example')).toBe(machineId);
  });
});

describe('what of a heartbeat is written about its host', () => {
  const certificate = { notBefore: at('08:00:00'), notAfter: at('23:00:00'), fingerprint: 'aa' };
  const known = {
    closure: PRIOR,
    closureSince: at('09:00:00'),
    firstSeenTime: at('09:00:00'),
    settledTime: at('09:01:00'),
    lastSeenTime: NOW,
    certificate,
  };
  const facts = (
    status: Parameters<typeof host>[0],
    report: Partial<Parameters<typeof decideHostFacts>[1]> = {},
    context: Partial<Parameters<typeof decideHostFacts>[2]> = {},
  ) =>
    decideHostFacts(
      host(status),
      { closure: PRIOR, certificate, at: context.now ?? NOW, ...report },
      { now: NOW, offlineAfterMs: 900_000, settleMinGapMs: 55_000, jitter: 0.5, ...context },
    );

  test('nothing about a host of which everything is known', () => {
    expect(facts(known)).toBeUndefined();
  });

  test.each([
    [0, 270_000],
    [0.5, 300_000],
    [1, 330_000],
  ])('with jitter %d the last-seen time is refreshed after %i ms', (jitter, ms) => {
    expect(facts(known, {}, { now: addMillis(NOW, ms - 1), jitter })).toBeUndefined();
    const now = addMillis(NOW, ms);
    expect(facts(known, {}, { now, jitter })).toEqual({ ...known, lastSeenTime: now });
  });

  test.each<[string, number, number | undefined, number | undefined | 'no write']>([
    ['right', 60, undefined, 'no write'],
    ['ahead', 61, undefined, 61],
    ['behind', -61, undefined, -61],
    ['as wrong as before', 3_000, 3_600, 'no write'],
    ['nearly right', 31, 3_600, 'no write'],
    ['right again', 30, 3_600, undefined],
    ['behind instead of ahead', -31, 3_600, -31],
    ['centuries ahead', 9_999_999_999, undefined, 1_000_000_000],
  ])('a clock that is %s (%d s, before %s s): %s', (_, seconds, before, expected) => {
    const said = { ...known, ...(before !== undefined && { clockSkewSeconds: before }) };
    const written = facts(said, { at: addMillis(NOW, seconds * 1000) });
    if (expected === 'no write') expect(written).toBeUndefined();
    else {
      expect(written).toEqual({ ...known, ...(expected !== undefined && { clockSkewSeconds: expected }) });
    }
  });

  test('how wrong a clock is follows with the next refresh', () => {
    const now = addMillis(NOW, 300_000);
    const report = { at: addMillis(now, -7_200_000) };
    expect(facts({ ...known, clockSkewSeconds: -3_600 }, report, { now })?.clockSkewSeconds).toBe(-7_200);
  });

  test("another replica's fast clock is no reason to write", () => {
    expect(facts({ ...known, lastSeenTime: addMillis(NOW, 20_000) })).toBeUndefined();
  });

  test('the leader’s verdicts are carried along', () => {
    expect(facts({ ...known, state: 'Soaking' }, { closure: TARGET })).toMatchObject({ state: 'Soaking' });
  });

  test('a closure that no object can hold is left out', () => {
    expect(facts(known, { closure: 'x'.repeat(513) })).toBeUndefined();
  });

  test('a host settles with the second report of one closure that is far enough from the first', () => {
    const { settledTime: _settled, ...unsettled } = known;
    const since = { ...unsettled, closureSince: addMillis(NOW, -54_999) };
    expect(facts(since)).toBeUndefined();
    expect(facts(since, {}, { now: addMillis(NOW, 1) })?.settledTime).toBe(addMillis(NOW, 1));
    expect(facts(since, { closure: TARGET }, { now: addMillis(NOW, 1) })?.settledTime).toBeUndefined();
  });

  test('a renewed certificate is noted once; the old one on another connection does not bring itself back', () => {
    const renewed = { ...certificate, fingerprint: 'bb', notBefore: at('09:59:00') };
    expect(facts(known, { certificate: renewed })?.certificate).toEqual(renewed);
    expect(facts({ ...known, certificate: renewed })).toBeUndefined();
  });
});

describe('the attempt that an event belongs to', () => {
  const attempt = (name: string, rolloutAttempt: number, status = {}, tries = 1) => ({
    object: record(status, { attempt: tries }, name),
    rolloutAttempt,
  });
  const delivered = { dispatch: { queuedAt: NOW, term: 1, deliveredAt: NOW } };
  const acked = {
    inbox: [
      {
        seq: 1,
        at: NOW,
        event: { kind: 'DispatchAck', currentClosureAtDispatch: '', receivedAt: NOW, seq: 1 },
      },
    ],
  };
  test.each([
    ['the newest where none has begun', [attempt('a', 1), attempt('b', 2)], 'b'],
    ['the delivered one', [attempt('a', 1, delivered), attempt('b', 2)], 'a'],
    ['the newest of the begun ones', [attempt('a', 1, delivered), attempt('b', 2, delivered)], 'b'],
    ['one that has left Pending', [attempt('a', 1, { state: 'Soaking' }), attempt('b', 2)], 'a'],
    ['one that leaves Pending with its inbox', [attempt('a', 1, acked), attempt('b', 2)], 'a'],
    ['a retry before what it replaces', [attempt('a', 1), attempt('b', 1, {}, 2)], 'b'],
    ['a new attempt before a retry of the old one', [attempt('a', 1, {}, 9), attempt('b', 2)], 'b'],
  ])('%s', (_what, attempts, name) => {
    expect(recordForEvent(attempts, NOW)?.metadata.name).toBe(name);
    expect(recordForEvent(attempts.toReversed(), NOW)?.metadata.name).toBe(name);
  });
});

describe('when a mark may go out', () => {
  const mark = { queuedAt: at('09:59:00'), term: 1 };
  const context = { now: NOW, redeliverAfterMs: 15_000, hostClosure: PRIOR };
  test('a delivery 5 s ago holds it for 10 s more', () => {
    const lastDeliveredAt = addMillis(NOW, -5000);
    const delivered = record({ dispatch: { ...mark, deliveredAt: lastDeliveredAt, lastDeliveredAt } });
    expect(deliveryDue(delivered, context)).toEqual({ due: false, retryAfterMs: 10_000 });
  });
  test('a delivery in the future, by a faster clock, holds it no longer than the spacing', () => {
    const ahead = addMillis(NOW, 3_600_000);
    const delivered = record({ dispatch: { ...mark, deliveredAt: ahead, lastDeliveredAt: ahead } });
    expect(deliveryDue(delivered, context)).toEqual({ due: false, retryAfterMs: 15_000 });
  });
});

describe('the answer to a heartbeat', () => {
  const context = { now: NOW, redeliverAfterMs: 15_000, toldAfterMs: 20_000 };
  const beat = (closure: string | undefined, rolloutId?: string) => ({
    hostname: 'web-01',
    rollout_id: rolloutId,
    current_closure: closure,
    at: NOW,
  });

  test('a recovery that finds no room in the inbox is neither stored nor shown', () => {
    const entry = { at: NOW, event: { kind: 'Heartbeat', closure: 'other', at: NOW } };
    const full = record({ state: 'Activating', inbox: Array.from({ length: 64 }, () => entry) });
    expect(decideHeartbeat([full], beat(TARGET), context)).toEqual({
      answer: { received_at: NOW },
      writes: [],
    });
  });

  test('deciding the same again decides the same, and changes nothing it was given', () => {
    const activating = record({ state: 'Activating', lastEventSeq: 1 });
    const copy = structuredClone(activating);
    const first = decideHeartbeat([activating], beat(TARGET), context);
    expect(decideHeartbeat([activating], beat(TARGET), context)).toEqual(first);
    expect(activating).toEqual(copy);
    expect(first.writes).toHaveLength(1);
    expect(decideHeartbeat(first.writes, beat(TARGET), context).writes).toEqual([]);
  });

  test.each([
    ['its closure', PRIOR, PRIOR],
    ['no closure', undefined, ''],
    ['a closure that no object can hold', 'x'.repeat(513), ''],
  ])(
    'a host with %s is told where a further attempt goes on counting, and that is noted',
    (_, said, noted) => {
      const further = record({}, { firstSeq: 7 });
      const { answer, writes } = decideHeartbeat([further], beat(said), context);
      expect(answer.bootstrap_rollouts).toMatchObject([{ state: 'Pending', lastEventSeq: 7 }]);
      expect(writes.map(({ status }) => status?.inbox)).toEqual([
        [{ at: NOW, event: { kind: 'Heartbeat', closure: noted, at: NOW } }],
      ]);
      const later = { ...context, now: addMillis(NOW, 20_000) };
      expect(decideHeartbeat(writes, beat(said), later).writes).toEqual([]);
      expect(decideHeartbeat([record()], beat(said), context).writes).toEqual([]);
    },
  );

  test.each<[string, Parameters<typeof decideReplayFrom>[1], number | undefined]>([
    ['another closure', beat(PRIOR, ROLLOUT_ID), 4],
    ['the same closure', beat(TARGET, ROLLOUT_ID), undefined],
    ['no closure', beat(undefined, ROLLOUT_ID), undefined],
    ['no rollout', beat(PRIOR), undefined],
  ])('the replay hint with %s', (_what, heartbeat, seq) => {
    const soaking = record({ state: 'Soaking', currentClosure: TARGET, lastEventSeq: 4 });
    expect(decideReplayFrom(soaking, heartbeat, NOW)).toBe(seq);
  });
});
