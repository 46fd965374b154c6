import { describe, expect, it } from 'vitest';
import type { PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import type { PlannerBudget } from '../../../src/core/planner/types.ts';
import {
  DELIVERED,
  MARK,
  budget,
  gatesOf,
  host,
  marked,
  minute,
  plan,
  record,
  rollout,
  stops,
  type Story,
} from './fleet-fixture.ts';

describe('held slots come first', () => {
  const one = [budget(['a', 'z'], { maxInFlight: 1 })];
  const story = (z: Partial<PlanRecord>, changes: Story = {}): Story => ({
    rollouts: [rollout({ budgets: one })],
    records: [record('a'), record('z', z)],
    ...changes,
  });

  it.each([
    ['an undelivered mark', { dispatch: MARK }],
    ['a delivered mark', { dispatch: DELIVERED }],
    ['a suspended mark', { dispatch: { ...DELIVERED, suspended: true } }],
    ['an Activating host', { state: 'Activating' }],
    ['a Soaking host', { state: 'Soaking' }],
  ] satisfies [string, Partial<PlanRecord>][])('%s keeps its slot from a host that sorts first', (_, z) => {
    const made = plan(story(z));
    expect(gatesOf(made, 'a')).toEqual(['disruption-budget']);
    expect([made.withdrawals, made.suspensions]).toEqual([[], []]);
  });

  it.each([
    ['a Deferred host', { state: 'Deferred' }],
    ['a Converged host', { state: 'Converged' }],
    ['a Converged host whose mark is still there', { state: 'Converged', dispatch: DELIVERED }],
    ['a cleared Activating host', { state: 'Activating', clearedAt: minute(-1) }],
    ['a cleared delivered mark', { dispatch: DELIVERED, clearedAt: minute(-1) }],
  ] satisfies [string, Partial<PlanRecord>][])('%s holds no slot', (_, z) => {
    expect(marked(plan(story(z)))).toEqual(['a']);
  });

  it('an offline host in mid-switch keeps its slot', () => {
    const made = plan(story({ state: 'Activating' }, { hosts: [host('a'), host('z', { offline: true })] }));
    expect(gatesOf(made, 'a')).toEqual(['disruption-budget']);
  });

  it('a mark that is withdrawn now keeps its slot until that is written', () => {
    const made = plan(story({ dispatch: MARK }, { hosts: [host('a'), host('z', { offline: true })] }));
    expect(stops(made.withdrawals)).toEqual(['z: host-offline']);
    expect(marked(made)).toEqual([]);
  });

  it('a host takes one slot of two budgets with equal selectors', () => {
    const two = budget(['a', 'b', 'c', 'd'], { maxInFlight: 2 });
    const records = ['a', 'b', 'c', 'd'].map((name) => record(name));
    const twice = [rollout({ budgets: [two, { ...two }] })];
    expect(marked(plan({ rollouts: twice, records }))).toEqual(['a', 'b']);
    const soaking = records.map((each) =>
      each.hostname === 'd' ? { ...each, state: 'Soaking' as const } : each,
    );
    expect(marked(plan({ rollouts: twice, records: soaking }))).toEqual(['a']);
  });

  it('a mark does not count against itself in any of the budgets that list its host', () => {
    const budgets = ['web', 'db'].map((tag) => ({
      ...budget(['a'], { maxInFlight: 1 }),
      selector: { tags: [tag] },
    }));
    const made = plan({ rollouts: [rollout({ budgets })], records: [record('a', { dispatch: MARK })] });
    expect([made.withdrawals, made.blockedBy.size]).toEqual([[], 0]);
  });

  it('a mark that holds no slot of a full budget is withdrawn: only the first of equal selectors counts', () => {
    const limit = { maxInFlight: 1 };
    const db = { ...budget(['a'], limit), selector: { tags: ['db'] } };
    const budgets = [db, budget(['z'], limit), budget(['a', 'z'], limit)];
    const made = plan({
      rollouts: [rollout({ budgets })],
      records: [record('a', { dispatch: MARK }), record('z', { state: 'Soaking' })],
    });
    expect(stops(made.withdrawals)).toEqual(['a: disruption-budget']);
  });

  it('two delivered marks over one slot do not suspend each other', () => {
    const made = plan({
      rollouts: [rollout({ budgets: one })],
      records: [record('a', { dispatch: DELIVERED }), record('z', { dispatch: DELIVERED })],
    });
    expect(made.suspensions).toEqual([]);
  });
});

describe('D17: percentage budgets', () => {
  const hosts = Array.from({ length: 10 }, (_, i) => `h${i}`);
  it.each([
    ['25 % of ten hosts is two', { maxInFlightPct: 25 }, 2],
    ['5 % of ten hosts is one, not none', { maxInFlightPct: 5 }, 1],
    ['of both limits the smaller holds: the percentage', { maxInFlightPct: 30, maxInFlight: 5 }, 3],
    ['of both limits the smaller holds: the number', { maxInFlightPct: 50, maxInFlight: 4 }, 4],
    ['no limit lets all through', {}, 10],
  ])('%s', (_, limits, expected) => {
    const made = plan({
      rollouts: [rollout({ budgets: [budget(hosts, limits)] })],
      records: hosts.map((name) => record(name)),
    });
    expect(made.marks.length).toBe(expected);
  });
});

describe('D20: slots of superseded rollouts', () => {
  const budgets = [budget(['a', 'z'], { maxInFlight: 1 })];
  const story = (old: Partial<PlanRecord>, successor: Partial<PlanRecord> = {}): Story => ({
    rollouts: [
      rollout({ budgets }),
      rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded', budgets }),
    ],
    records: [record('a'), record('z', successor), record('z', { rollout: 'web-r0', ...old })],
    hosts: [host('a'), host('z', { offline: true })],
  });

  it.each([
    ['a delivered mark', { dispatch: DELIVERED, soakDueAt: minute(5) }, true],
    ['an undelivered mark, until it is withdrawn', { dispatch: MARK }, true],
    ['an undelivered mark however old it is', { dispatch: { ...MARK, queuedAt: minute(-60) } }, true],
    [
      'a delivered mark without a soak end of its own',
      { dispatch: { ...DELIVERED, queuedAt: minute(-14) } },
      true,
    ],
    [
      'no delivered mark whose soak would be long over',
      { dispatch: { ...DELIVERED, queuedAt: minute(-15) } },
      false,
    ],
    [
      'a Soaking host by its own soak end, whatever its mark says',
      { state: 'Soaking', soakDueAt: minute(-1), dispatch: { ...DELIVERED, queuedAt: minute(-60) } },
      true,
    ],
    ['an Activating host', { state: 'Activating', soakDueAt: minute(5) }, true],
    ['a Soaking host up to ten minutes past its soak', { state: 'Soaking', soakDueAt: minute(-9) }, true],
    ['no Soaking host ten minutes past its soak', { state: 'Soaking', soakDueAt: minute(-10) }, false],
    ['no host that ended', { state: 'Failed' }, false],
    ['no cleared host', { state: 'Soaking', soakDueAt: minute(5), clearedAt: minute(-1) }, false],
  ] satisfies [string, Partial<PlanRecord>, boolean][])('count %s', (_, old, counts) => {
    expect(marked(plan(story(old)))).toEqual(counts ? [] : ['a']);
  });

  const soaks = { state: 'Soaking', soakDueAt: minute(5) } as const;

  it('are not held against the host itself, whose next switch disturbs nobody else', () => {
    expect(marked(plan({ ...story(soaks), hosts: [host('a'), host('z')] }))).toEqual(['z']);
  });

  it('count once for a host, however many of its records hold', () => {
    const two = [budget(['a', 'z'], { maxInFlight: 2 })];
    const rollouts = story(soaks).rollouts?.map((each) => ({ ...each, budgets: two })) ?? [];
    const given = { ...story(soaks, { dispatch: MARK }), rollouts, hosts: [host('a'), host('z')] };
    expect(marked(plan(given))).toEqual(['a']);
  });

  it('are not taken once more by a host that goes on to its next release', () => {
    const two = [budget(['a', 'z'], { maxInFlight: 2 })];
    const made = plan({
      rollouts: story(soaks).rollouts?.map((each) => ({ ...each, budgets: two })) ?? [],
      records: [record('a'), record('a', { rollout: 'web-r0', ...soaks }), record('z')],
    });
    expect(marked(made)).toEqual(['a', 'z']);
  });

  it('are held against the host itself as long as an earlier mark could still be fetched', () => {
    const made = plan({ ...story({ dispatch: MARK }), hosts: [host('a'), host('z')] });
    expect(marked(made)).toEqual([]);
    expect(made.withdrawals.map(({ record: { rollout: name } }) => name)).toEqual(['web-r0']);
  });

  it('end when the successor of the host has moved', () => {
    const made = plan(story({ state: 'Soaking', soakDueAt: minute(5) }, { state: 'Converged' }));
    expect(marked(made)).toEqual(['a']);
  });

  it('end when the successor of the host has acknowledged, though nothing else is heard of it', () => {
    const made = plan(story({ state: 'Soaking', soakDueAt: minute(5) }, { dispatchAckedAt: minute(-1) }));
    expect(marked(made)).toEqual(['a']);
  });

  it('count where the selector meant other hosts then', () => {
    const old = rollout({
      name: 'web-r0',
      rolloutId: 'web@r0',
      state: 'Superseded',
      budgets: [budget(['b', 'z'], { maxInFlight: 1 })],
    });
    const soaking = record('b', { rollout: 'web-r0', state: 'Soaking', soakDueAt: minute(5) });
    const given = (newer: PlannerBudget): Story => ({
      rollouts: [rollout({ budgets: [newer] }), old],
      records: [record('a'), record('c'), soaking],
    });
    expect(marked(plan(given(budget(['a', 'c'], { maxInFlight: 1 }))))).toEqual([]);
    expect(marked(plan(given(budget(['a', 'c'], { maxInFlight: 2 }))))).toEqual(['a']);
    expect(marked(plan(given(budget(['b', 'c'], { maxInFlight: 1 }))))).toEqual(['a']);
  });

  it('end when the host has moved in the channel that it is in now', () => {
    const given = (successor: Partial<PlanRecord>): Story => ({
      rollouts: [
        rollout({ budgets }),
        rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded', budgets }),
        rollout({ name: 'db-r1', rolloutId: 'db@r1', channel: 'db' }),
      ],
      manifests: new Map(['web', 'db'].map((name) => [name, { channelRef: 'r1', signedAt: minute(-10) }])),
      records: [
        record('a'),
        record('z', { rollout: 'web-r0', state: 'Soaking', soakDueAt: minute(5) }),
        record('z', { rollout: 'db-r1', ...successor }),
      ],
    });
    expect(marked(plan(given({ state: 'Soaking', soakDueAt: minute(5) })))).toEqual(['a']);
    expect(marked(plan(given({})))).not.toContain('a');
  });

  it('count in budgets of equal selector only', () => {
    const other = [{ ...budget(['a', 'z'], { maxInFlight: 1 }), selector: { tags: ['db'] } }];
    const given = story({ state: 'Soaking', soakDueAt: minute(5) });
    const rollouts = [
      rollout({ budgets }),
      rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded', budgets: other }),
    ];
    expect(marked(plan({ ...given, rollouts }))).toEqual(['a']);
  });
});
