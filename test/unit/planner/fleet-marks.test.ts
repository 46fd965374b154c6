import { describe, expect, it } from 'vitest';
import type { PlanRecord } from '../../../src/core/planner/fleet-input.ts';
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

describe('D6: marks', () => {
  it('a mark carries what the record will need: time, term, soak end and what the host ran', () => {
    const [mark] = plan({ records: [record('a', { soakMinutes: 20 })] }).marks;
    expect(mark).toMatchObject({
      queuedAt: minute(0),
      term: 7,
      soakDueAt: minute(20),
      closureBeforeDispatch: 'a-old',
    });
  });

  it('D18: free slots go by rollout id, then by host', () => {
    const shared = [budget(['a', 'b', 'c'], { maxInFlight: 2 })];
    const made = plan({
      rollouts: [
        rollout({ name: 'web-x', budgets: shared }),
        rollout({ name: 'db-x', rolloutId: 'db@r1', channel: 'db', budgets: shared }),
      ],
      manifests: new Map(
        ['web', 'db'].map((channel) => [channel, { channelRef: 'r1', signedAt: minute(-1) }]),
      ),
      records: [
        record('a', { rollout: 'web-x' }),
        record('c', { rollout: 'db-x' }),
        record('b', { rollout: 'db-x' }),
      ],
    });
    expect(marked(made)).toEqual(['b', 'c']);
    expect(gatesOf(made, 'a', 'web-x')).toEqual(['disruption-budget']);
  });

  it('D11: a host on its target is neither marked nor blocked, and is recoverable', () => {
    const made = plan({ records: [record('a')], hosts: [host('a', { closure: 'a-new' })] });
    expect(marked(made)).toEqual([]);
    expect(made.blockedBy.size).toBe(0);
    expect(made.isRecoverable('web-r1.a')).toBe(true);
  });

  it('only a record that no gate blocks takes a slot', () => {
    const made = plan({
      rollouts: [rollout({ budgets: [budget(['a', 'b'], { maxInFlight: 1 })] })],
      records: [record('a'), record('b')],
      hosts: [host('a', { offline: true }), host('b')],
    });
    expect(marked(made)).toEqual(['b']);
  });

  it.each(['Activating', 'Deferred', 'Soaking', 'Converged'] as const)(
    'a host that is %s is left alone',
    (state) => {
      const made = plan({ records: [record('a', { state })] });
      expect([made.marks, made.blockedBy.size]).toEqual([[], 0]);
    },
  );
});

interface MarkCase {
  readonly story: string;
  readonly record: Partial<PlanRecord>;
  readonly given?: Story;
  readonly outcome: 'withdrawals' | 'suspensions' | 'resumptions' | 'restamps' | 'nothing';
}

const held: Story = { settings: { fleetHold: true } };

describe('D6: what becomes of a mark', () => {
  const cases: readonly MarkCase[] = [
    { story: 'an undelivered mark that nothing stops stays', record: { dispatch: MARK }, outcome: 'nothing' },
    {
      story: 'a delivered mark that nothing stops stays',
      record: { dispatch: DELIVERED },
      outcome: 'nothing',
    },
    {
      story: 'an undelivered mark is withdrawn when a gate closes',
      record: { dispatch: MARK },
      given: held,
      outcome: 'withdrawals',
    },
    {
      story: 'a delivered mark is suspended when a gate closes',
      record: { dispatch: DELIVERED },
      given: held,
      outcome: 'suspensions',
    },
    {
      story: 'a suspended mark is suspended once',
      record: { dispatch: { ...DELIVERED, suspended: true } },
      given: held,
      outcome: 'nothing',
    },
    {
      story: 'a suspended mark is sent again when the gates are open',
      record: { dispatch: { ...DELIVERED, suspended: true } },
      outcome: 'resumptions',
    },
    {
      story: 'an undelivered mark of an earlier term is stamped anew',
      record: { dispatch: { ...MARK, term: 6 } },
      outcome: 'restamps',
    },
    {
      story: 'a delivered mark of an earlier term is stamped anew',
      record: { dispatch: { ...DELIVERED, term: 6 } },
      outcome: 'restamps',
    },
    {
      story: 'a mark of an earlier term is withdrawn rather than stamped when a gate holds',
      record: { dispatch: { ...MARK, term: 6 } },
      given: held,
      outcome: 'withdrawals',
    },
    {
      story: 'the mark of a host that came to its target by itself is withdrawn',
      record: { dispatch: MARK },
      given: { hosts: [host('a', { closure: 'a-new' })] },
      outcome: 'withdrawals',
    },
    {
      story: 'the mark of an offline host is withdrawn',
      record: { dispatch: MARK },
      given: { hosts: [host('a', { offline: true })] },
      outcome: 'withdrawals',
    },
    {
      story: 'a superseded rollout has its undelivered marks withdrawn',
      record: { dispatch: MARK },
      given: { rollouts: [rollout({ state: 'Superseded' })] },
      outcome: 'withdrawals',
    },
    {
      story: 'a superseded rollout has its delivered marks suspended',
      record: { dispatch: DELIVERED },
      given: { rollouts: [rollout({ state: 'Superseded' })] },
      outcome: 'suspensions',
    },
    {
      story: 'D16: what an older attempt marked is withdrawn',
      record: { dispatch: MARK },
      given: { rollouts: [rollout(), rollout({ name: 'web-r1-2', attempt: 2 })] },
      outcome: 'withdrawals',
    },
    {
      story: 'the marks of a channel that the release no longer has are withdrawn',
      record: { dispatch: MARK },
      given: { manifests: new Map() },
      outcome: 'withdrawals',
    },
    {
      story: 'the marks of an id that now means other content are withdrawn',
      record: { dispatch: MARK },
      given: { rollouts: [rollout({ outdated: true })] },
      outcome: 'withdrawals',
    },
    {
      story: 'the mark of a cleared host is withdrawn',
      record: { dispatch: MARK, clearedAt: minute(-1) },
      outcome: 'withdrawals',
    },
  ];

  it.each(cases)('$story', ({ record: changes, given, outcome }) => {
    const made = plan({ records: [record('a', changes)], ...given });
    expect(made.marks).toEqual([]);
    for (const list of ['withdrawals', 'suspensions', 'resumptions', 'restamps'] as const) {
      expect([list, made[list].length]).toEqual([list, list === outcome ? 1 : 0]);
    }
  });

  it('the first gate is the reason of a withdrawal', () => {
    const made = plan({ records: [record('a', { dispatch: MARK })], ...held, fleetSignedAt: minute(-60) });
    expect(stops(made.withdrawals)).toEqual(['a: fleet-hold']);
  });

  it('a cleared host is not dispatched again', () => {
    expect(marked(plan({ records: [record('a', { clearedAt: minute(-1) })] }))).toEqual([]);
  });
});

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
    ['an Activating host', { state: 'Activating', soakDueAt: minute(5) }, true],
    ['a Soaking host up to ten minutes past its soak', { state: 'Soaking', soakDueAt: minute(-9) }, true],
    ['no Soaking host ten minutes past its soak', { state: 'Soaking', soakDueAt: minute(-10) }, false],
    ['no host that ended', { state: 'Failed' }, false],
    ['no cleared host', { state: 'Soaking', soakDueAt: minute(5), clearedAt: minute(-1) }, false],
  ] satisfies [string, Partial<PlanRecord>, boolean][])('count %s', (_, old, counts) => {
    expect(marked(plan(story(old)))).toEqual(counts ? [] : ['a']);
  });

  it('end when the successor of the host has moved', () => {
    const made = plan(story({ state: 'Soaking', soakDueAt: minute(5) }, { state: 'Converged' }));
    expect(marked(made)).toEqual(['a']);
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
