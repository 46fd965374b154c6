import { describe, expect, it } from 'vitest';
import type { PlanHost, PlanMark, PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import { onCircles } from '../../../src/core/planner/circles.ts';
import { busySince, hostBusy } from '../../../src/core/planner/gates/host-busy.ts';
import { decideMark, type MarkDecision } from '../../../src/core/planner/mark.ts';
import { RolloutStanding } from '../../../src/core/planner/rollout-standing.ts';
import { Standings } from '../../../src/core/planner/standings.ts';
import { WakeTime } from '../../../src/core/planner/wake-time.ts';
import { DELIVERED, host, MARK, minute, record, rollout } from './fleet-fixture.ts';

describe('D6: what becomes of a mark', () => {
  const suspended = { ...DELIVERED, suspended: true };
  const old = <Mark extends PlanMark>(mark: Mark): Mark => ({ ...mark, term: 6 });
  const [free, stopped, onTarget] = [{}, { stopped: true }, { onTarget: true }];

  it.each<[string, PlanMark | undefined, object, MarkDecision]>([
    ['nothing stops an unmarked host', undefined, free, 'mark'],
    ['an unmarked host is stopped', undefined, stopped, 'none'],
    ['an unmarked host runs its target', undefined, onTarget, 'none'],
    ['an undelivered mark stands', MARK, free, 'none'],
    ['an undelivered mark is stopped', MARK, stopped, 'withdraw'],
    ['the host of an undelivered mark runs its target', MARK, onTarget, 'withdraw'],
    ['an undelivered mark is of an earlier term', old(MARK), free, 'restamp'],
    ['an undelivered mark of an earlier term is stopped', old(MARK), stopped, 'withdraw'],
    ['a delivered mark stands', DELIVERED, free, 'none'],
    ['a delivered mark is stopped', DELIVERED, stopped, 'suspend'],
    ['the host of a delivered mark runs its target', DELIVERED, onTarget, 'none'],
    ['a delivered mark is of an earlier term', old(DELIVERED), free, 'restamp'],
    ['a delivered mark of an earlier term is stopped', old(DELIVERED), stopped, 'suspend'],
    ['a suspended mark is still stopped', suspended, stopped, 'none'],
    ['a suspended mark is free again', suspended, free, 'resume'],
    ['the host of a suspended mark runs its target', suspended, onTarget, 'none'],
    ['a suspended mark of an earlier term is free again', old(suspended), free, 'resume'],
  ])('where %s', (_, dispatch, found, decision) => {
    const marked = record('a', dispatch === undefined ? {} : { dispatch });
    expect(decideMark(marked, { stopped: false, onTarget: false, term: 7, ...found })).toBe(decision);
  });
});

describe('D16: the rollouts of a fleet', () => {
  const manifests = new Map([['web', { channelRef: 'r1', signedAt: minute(-10) }]]);
  const [first, second] = [rollout({ attempt: 1 }), rollout({ attempt: 2, name: 'web-r1-2' })];
  const currentOf = (...rollouts: ReturnType<typeof rollout>[]): string | undefined =>
    new Standings({ rollouts, records: [], manifests }).currentFor('web')?.rollout.name;

  it('are current in their newest attempt, in whatever order they come', () => {
    expect(currentOf(first, second)).toBe('web-r1-2');
    expect(currentOf(second, first)).toBe('web-r1-2');
    expect(currentOf(first)).toBe('web-r1');
  });

  it.each([
    ['superseded', { state: 'Superseded' as const }],
    ['pruned', { state: 'Pruned' as const }],
    ['about to be replaced by another attempt', { outdated: true }],
    ['of another ref', { rolloutId: 'web@r2' }],
    ['of another channel', { channel: 'db', rolloutId: 'db@r1' }],
  ])('are not current where the newest attempt is %s', (_, changes) => {
    expect(currentOf(first, rollout({ ...second, ...changes, attempt: 2 }))).toBe(
      'rolloutId' in changes ? 'web-r1' : undefined,
    );
    expect(currentOf(rollout(changes))).toBeUndefined();
  });

  it('come by id and then by attempt', () => {
    const db = rollout({ name: 'db-r1', channel: 'db', rolloutId: 'db@r1' });
    const { all } = new Standings({ rollouts: [second, first, db], records: [], manifests });
    expect(all.map((standing) => standing.rollout.name)).toEqual(['db-r1', 'web-r1', 'web-r1-2']);
  });

  it('have the newest try of each host, ascending, and the earlier ones apart', () => {
    const tries = [
      record('b'),
      record('a', { attempt: 2, name: 'a-2' }),
      record('a'),
      record('c', { attempt: 3 }),
    ];
    for (const records of [tries, tries.toReversed()]) {
      const [standing] = new Standings({ rollouts: [first], records, manifests }).all;
      expect(standing?.records.map(({ record: { hostname, attempt } }) => `${hostname}${attempt}`)).toEqual([
        'a2',
        'b1',
        'c3',
      ]);
      expect(standing?.olderTries.map(({ record: { name } }) => name)).toEqual(['web-r1.a']);
      expect(standing?.record('a')?.record.attempt).toBe(2);
      expect(standing?.record('d')).toBeUndefined();
    }
  });
});

describe('D16: the tries of hosts', () => {
  const of = (records: readonly PlanRecord[]): string[][] => {
    const standing = new RolloutStanding(rollout(), true, records);
    return [standing.olderTries, standing.records].map((list) =>
      list.map(({ record: { hostname, attempt } }) => `${hostname}${attempt}`),
    );
  };
  const tries = (...numbers: [string, number][]): PlanRecord[] =>
    numbers.map(([name, attempt]) => record(name, { attempt, name: `${name}.${attempt}` }));

  it('come by host and then by number, however they are listed', () => {
    const records = tries(['b', 2], ['b', 1], ['a', 1], ['b', 3], ['a', 2]);
    for (const listed of [records, records.toReversed()]) {
      expect(of(listed)).toEqual([
        ['a1', 'b1', 'b2'],
        ['a2', 'b3'],
      ]);
    }
  });

  it('are told apart though the first ones are gone', () => {
    expect(of(tries(['a', 2], ['a', 3]))).toEqual([['a2'], ['a3']]);
  });
});

describe('D20: a busy host', () => {
  const delivered = { ...DELIVERED, deliveredAt: minute(-5), lastDeliveredAt: minute(-3) };
  const { lastDeliveredAt: _last, ...once } = delivered;

  it.each<[string, Partial<PlanRecord>, number | undefined]>([
    ['is not busy without a mark', {}, undefined],
    ['is not busy before its mark is delivered', { dispatch: MARK }, undefined],
    ['is busy since the delivery', { dispatch: once }, -5],
    ['is busy since the last delivery', { dispatch: delivered }, -3],
    ['is busy since it acknowledged', { state: 'Activating', dispatchAckedAt: minute(-2) }, -2],
    [
      'is busy since the later of both: the acknowledgement',
      { state: 'Activating', dispatchAckedAt: minute(-2), dispatch: delivered },
      -2,
    ],
    [
      'is busy since the later of both: the delivery',
      { state: 'Activating', dispatchAckedAt: minute(-4), dispatch: delivered },
      -3,
    ],
    [
      'is busy since the delivery, where it never acknowledged',
      { state: 'Activating', dispatch: delivered },
      -3,
    ],
    [
      'is not busy once it soaks',
      { state: 'Soaking', dispatchAckedAt: minute(-2), dispatch: delivered },
      undefined,
    ],
    [
      'is not busy once it has failed',
      { state: 'Failed', dispatchAckedAt: minute(-2), dispatch: delivered },
      undefined,
    ],
  ])('%s', (_, changes, since) => {
    expect(busySince(record('a', changes), host('a'))).toBe(since === undefined ? undefined : minute(since));
  });

  const switched = record('a', { name: 'other', state: 'Soaking', soakMinutes: 5, soakDueAt: minute(3) });
  const silent = host('a', { closureSince: minute(-60) });

  it.each<[string, PlanRecord, PlanHost, number | undefined]>([
    ['since it was let through', switched, silent, -2],
    ['also where it has converged', { ...switched, state: 'Converged' }, silent, -2],
    ['not once it has failed', { ...switched, state: 'Failed' }, silent, undefined],
    ['not once a heartbeat names the closure', switched, { ...silent, closure: 'a-new' }, undefined],
    [
      'not where a later heartbeat names another',
      switched,
      host('a', { closureSince: minute(-2) }),
      undefined,
    ],
    ['not where nobody knows since when its heartbeats name it', switched, host('a'), undefined],
    ['not where nobody knows when it was let through', record('a', { state: 'Soaking' }), silent, undefined],
  ])('is busy with a switch that no heartbeat has confirmed: %s', (_, known, heard, since) => {
    expect(busySince(known, heard)).toBe(since === undefined ? undefined : minute(since));
  });

  it('holds nothing but another dispatch to the closure that no heartbeat has confirmed', () => {
    expect(hostBusy(record('a'), [switched], silent, () => false)?.reason).toBe(
      "host-busy: this host has switched to the same closure, and is to confirm it with a heartbeat, for record 'other'",
    );
    expect(hostBusy(record('a'), [switched], silent, () => true)).toBeNull();
    expect(hostBusy(record('a', { targetClosure: 'newer' }), [switched], silent, () => false)).toBeNull();
  });

  it('holds other records of the host, by name, until that is long ago', () => {
    const own = record('a', { dispatch: delivered });
    const other = record('a', { name: 'other', state: 'Activating', dispatchAckedAt: minute(-2) });
    const waiting = record('a', { name: 'third', dispatch: delivered });
    const held = (records: readonly PlanRecord[], past = false) =>
      hostBusy(own, records, host('a'), () => past);
    expect(held([own])).toBeNull();
    expect(held([own, other])).toEqual({
      gate: 'host-busy',
      key: 'other',
      reason: "host-busy: this host is switching for record 'other'",
    });
    expect(held([waiting])?.reason).toBe("host-busy: this host was dispatched for record 'third'");
    expect(held([other, waiting], true)).toBeNull();
    expect(held([record('a', { name: 'idle' })])).toBeNull();
  });
});

describe('waiting alone', () => {
  it('changes a plan at the earliest of all ends, and never where everything is over', () => {
    const wake = new WakeTime(minute(0));
    expect(wake.isPast(minute(-10), 600_000)).toBe(true);
    expect(wake.take()).toBeUndefined();
    for (const since of [-9, -8]) expect(wake.isPast(minute(since), 600_000)).toBe(false);
    expect(wake.take()).toBe(minute(1));
    for (const since of [-8, -9]) expect(wake.isPast(minute(since), 600_000)).toBe(false);
    expect(wake.take()).toBe(minute(1));
    expect(wake.take()).toBeUndefined();
    expect(wake.isPast(minute(-9), 600_000)).toBe(false);
    expect(wake.isPast(minute(0), 30_000)).toBe(false);
    expect(wake.take()).toBe(minute(0.5));
    expect(wake.isPast(minute(0), 30_000)).toBe(false);
    expect(wake.isPast(minute(-9.75), 600_000)).toBe(false);
    expect(wake.take()).toBe(minute(0.25));
  });

  it('is judged by the time of the plan that one has come to', () => {
    const wake = new WakeTime(minute(0));
    expect([wake.now, wake.isPast(minute(0), 60_000)]).toEqual([minute(0), false]);
    wake.advance(minute(1));
    expect([wake.now, wake.isPast(minute(0), 60_000)]).toEqual([minute(1), true]);
  });
});

describe('D8: a circle', () => {
  const found = (edges: Readonly<Record<string, readonly string[]>>, ...start: string[]): string[] =>
    [...onCircles(start, (node) => edges[node] ?? [])].toSorted();

  it.each<[string, Record<string, string[]>, string[]]>([
    ['is none in a chain', { a: ['b'], b: ['c'] }, []],
    ['is one of two', { a: ['b'], b: ['a'] }, ['a', 'b']],
    ['may be one that waits for itself', { a: ['a'] }, ['a']],
    ['does not have what waits for it', { a: ['b'], b: ['c'], c: ['b'] }, ['b', 'c']],
    ['does not have what it waits for besides', { a: ['b', 'd'], b: ['a'], d: ['e'] }, ['a', 'b']],
    [
      'is one though two ways lead round',
      { a: ['b', 'c'], b: ['d'], c: ['d'], d: ['a'] },
      ['a', 'b', 'c', 'd'],
    ],
    ['is none in a diamond', { a: ['b', 'c'], b: ['d'], c: ['d'] }, []],
    ['does not have what leads on to two ends', { a: ['z', 'b'], b: ['c', 'd'], z: ['a'] }, ['a', 'z']],
    ['is none where nothing waits', {}, []],
  ])('%s', (_, edges, nodes) => {
    expect(found(edges, 'a')).toEqual(nodes);
  });

  it('is found only from where one looks', () => {
    expect(found({ a: [], b: ['c'], c: ['b'] }, 'a')).toEqual([]);
    expect(found({ a: [], b: ['c'], c: ['b'] }, 'a', 'b')).toEqual(['b', 'c']);
  });
});
