import { describe, expect, it } from 'vitest';
import type { PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import {
  DELIVERED,
  MARK,
  gatesOf,
  host,
  marked,
  minute,
  plan,
  record,
  rollout,
  stops,
} from './fleet-fixture.ts';

describe('why a mark goes', () => {
  const superseded = [rollout(), rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' })];
  const old = (dispatch: PlanRecord['dispatch']) => [
    record('a', { rollout: 'web-r0', ...(dispatch && { dispatch }) }),
  ];

  it('is told: another rollout took over', () => {
    expect(stops(plan({ rollouts: superseded, records: old(MARK) }).withdrawals)).toEqual(['a: superseded']);
    expect(stops(plan({ rollouts: superseded, records: old(DELIVERED) }).suspensions)).toEqual([
      'a: superseded',
    ]);
  });

  it('is told: another try took over', () => {
    const tries = [record('a', { dispatch: MARK }), record('a', { attempt: 2, name: 'web-r1.a.2' })];
    expect(stops(plan({ records: tries }).withdrawals)).toEqual(['a: superseded']);
  });

  it('is told: a person cleared the host, or the host runs its target', () => {
    const cleared = record('a', { dispatch: MARK, clearedAt: minute(-1) });
    expect(stops(plan({ records: [cleared] }).withdrawals)).toEqual(['a: cleared']);
    const onTarget = plan({
      records: [record('a', { dispatch: MARK })],
      hosts: [host('a', { closure: 'a-new' })],
    });
    expect(stops(onTarget.withdrawals)).toEqual(['a: on-target']);
  });

  it('is told of a suspension by its gate', () => {
    const made = plan({ records: [record('a', { dispatch: DELIVERED })], settings: { fleetHold: true } });
    expect(stops(made.suspensions)).toEqual(['a: fleet-hold']);
  });
});

describe('a host that several records keep busy', () => {
  it('is held for the first of them by name', () => {
    const busy = ['z', 'y'].map((name) =>
      record('a', { rollout: name, state: 'Activating', dispatchAckedAt: minute(-1) }),
    );
    for (const others of [busy, busy.toReversed()]) {
      const made = plan({ records: [record('a'), ...others] });
      expect(made.blockedBy.get('web-r1.a')).toMatchObject([{ gate: 'host-busy', key: 'y.a' }]);
    }
  });
});

describe('a host edge', () => {
  const fleet = { edges: [{ gates: 'a', gated: 'b' }] };
  const gate = (state: PlanRecord['state']): string[] =>
    gatesOf(plan({ records: [record('a', { state }), record('b')], fleet }), 'b');

  it.each(['Converged', 'Deferred'] as const)('lets go once the gating host is %s', (state) => {
    expect(gate(state)).toEqual([]);
  });

  it.each(['Pending', 'Activating', 'Soaking'] as const)('holds while the gating host is %s', (state) => {
    expect(gate(state)).toEqual(['host-edge']);
  });
});

describe('waves', () => {
  const waves = { web: ['a', 'b', 'c', 'd'].map((name) => ({ hosts: [name], soakMinutes: 5 })) };
  const done = { state: 'Converged' } as const;

  it('are not jumped: a later one that is done does not open the next while an earlier one is not', () => {
    const records = [record('a'), record('b', done), record('c'), record('d')];
    const made = plan({ records, fleet: { waves } });
    expect(made.waves).toEqual([]);
    expect(marked(made)).toEqual(['a']);
  });

  it('are passed together where several are done, and the last reason is told', () => {
    const records = [record('a', done), record('b', { state: 'Failed', clearedAt: minute(-1) }), record('c')];
    const [step] = plan({ records, fleet: { waves } }).waves;
    expect(step).toMatchObject({ from: 0, to: 2, reason: 'wave 1: 1 cleared' });
  });

  it('without a host of the rollout are passed, and that is the reason', () => {
    const [step] = plan({ records: [record('b')], fleet: { waves } }).waves;
    expect(step).toMatchObject({ from: 0, to: 1, reason: 'wave 0: no host of this rollout is in it' });
  });
});

describe('D5: a host that the fleet in force does not know', () => {
  it('is held, and the reason says so', () => {
    const made = plan({ records: [record('a')], fleet: { hosts: {} } });
    expect(made.blockedBy.get('web-r1.a')).toEqual([
      {
        gate: 'wave-promotion-host-unstaged',
        key: 'web',
        reason: "wave-promotion: host 'a' is not in the fleet in force, so its wave is unknown",
      },
    ]);
  });
});
