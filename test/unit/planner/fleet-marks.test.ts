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

  it('a mark says nothing of what the host ran where that is not known', () => {
    const { closure: _, ...silent } = host('a');
    const [mark] = plan({ records: [record('a')], hosts: [silent] }).marks;
    expect([mark?.record.hostname, mark !== undefined && 'closureBeforeDispatch' in mark]).toEqual([
      'a',
      false,
    ]);
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

  it('a delivered mark is suspended by every gate but a full budget', () => {
    const quarantines = new Map([['web', new Set(['a-new'])]]);
    const made = plan({ records: [record('a', { dispatch: DELIVERED })], quarantines });
    expect(stops(made.suspensions)).toEqual(['a: quarantine']);
  });

  it('a host of a superseded rollout that is switching already has no mark to take back', () => {
    const switching = record('a', { state: 'Activating', dispatch: DELIVERED });
    const made = plan({ rollouts: [rollout({ state: 'Superseded' })], records: [switching] });
    expect([made.withdrawals, made.suspensions]).toEqual([[], []]);
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

  it('D16: the mark of an earlier try is withdrawn, and its slot is held until then', () => {
    const made = plan({
      rollouts: [rollout({ budgets: [budget(['a'], { maxInFlight: 1 })] })],
      records: [record('a', { dispatch: MARK }), record('a', { name: 'web-r1.a.2', attempt: 2 })],
    });
    expect(made.withdrawals.map((withdrawal) => withdrawal.record.name)).toEqual(['web-r1.a']);
    expect(made.blockedBy.get('web-r1.a.2')?.map(({ gate }) => gate)).toEqual(['disruption-budget']);
  });

  it('a host that acknowledged is past its gates, whatever its state says', () => {
    const made = plan({ records: [record('a', { dispatchAckedAt: minute(-1) })], ...held });
    expect([made.marks, made.blockedBy.size]).toEqual([[], 0]);
  });

  it('a cleared host is not dispatched again', () => {
    expect(marked(plan({ records: [record('a', { clearedAt: minute(-1) })] }))).toEqual([]);
  });
});
