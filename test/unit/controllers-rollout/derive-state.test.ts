import { describe, expect, test } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { RolloutState } from '../../../src/api/wire/enums.ts';
import { deriveState } from '../../../src/core/rollout/derive-state.ts';
import { facts, NOW, record, rollout } from './objects.ts';

const cleared = { clearedAt: NOW };
const converged = (host: string, wave = 0): HostRolloutRecord =>
  record(host, { state: 'Converged' }, { wave });

interface Case {
  readonly title: string;
  readonly from: RolloutState;
  readonly records: readonly HostRolloutRecord[];
  readonly to: RolloutState;
  readonly hostCount?: number;
  readonly offline?: readonly string[];
  readonly skip?: boolean;
}

const cases: readonly Case[] = [
  {
    title: 'D21: one record short of the manifest, it stays Opening',
    from: 'Opening',
    records: [record('a'), record('b')],
    to: 'Opening',
  },
  {
    title: 'D21: one record too many, it stays Opening',
    from: 'Opening',
    records: [record('a'), record('b'), record('c'), record('d')],
    to: 'Opening',
  },
  {
    title: 'D21: with exactly the records of the manifest it is Active',
    from: 'Opening',
    records: [record('a'), record('b'), record('c')],
    to: 'Active',
  },
  {
    title: 'D21: opened, failed and resumed by one leader after another, it ends where its records are',
    from: 'Opening',
    records: [record('a', { state: 'Failed' }), record('b'), record('c')],
    to: 'Failed',
  },
  {
    title: 'D21: two of two records converged, but the manifest names three: not Terminal',
    from: 'Active',
    records: [converged('a'), converged('b')],
    to: 'Active',
  },
  {
    title: 'a channel without hosts is at its end at once',
    from: 'Opening',
    records: [],
    to: 'Terminal',
    hostCount: 0,
  },
  {
    title: 'all hosts converged: Terminal',
    from: 'Active',
    records: [converged('a'), converged('b'), converged('c')],
    to: 'Terminal',
  },
  {
    title: 'a Deferred host keeps it from Terminal',
    from: 'Active',
    records: [converged('a'), converged('b'), record('c', { state: 'Deferred' })],
    to: 'Active',
  },
  {
    title: 'a Failed host halts it',
    from: 'Active',
    records: [converged('a'), record('b', { state: 'Failed' }), record('c')],
    to: 'Failed',
  },
  {
    title: 'a Reverted host halts it',
    from: 'Active',
    records: [converged('a'), record('b', { state: 'Reverted' }), record('c')],
    to: 'Reverted',
  },
  {
    title: 'of a Failed and a Reverted host the Failed one is told',
    from: 'Active',
    records: [record('a', { state: 'Reverted' }), record('b', { state: 'Failed' }), record('c')],
    to: 'Failed',
  },
  {
    title: 'a Failed rollout whose host was rolled back since stays Failed',
    from: 'Failed',
    records: [record('a', { state: 'Reverted' }), record('b'), record('c')],
    to: 'Failed',
  },
  {
    title: 'D2: with its failed host cleared it goes on',
    from: 'Failed',
    records: [record('a', { state: 'Failed', ...cleared }), record('b'), record('c')],
    to: 'Active',
  },
  {
    title: 'D2: with one of two failed hosts cleared it stays halted',
    from: 'Failed',
    records: [record('a', { state: 'Failed', ...cleared }), record('b', { state: 'Failed' }), record('c')],
    to: 'Failed',
  },
  {
    title: 'D2: the last host that anybody waited for is cleared: Terminal',
    from: 'Failed',
    records: [record('a', { state: 'Failed', ...cleared }), converged('b'), converged('c')],
    to: 'Terminal',
  },
  {
    title: 'D7: an offline host is waited for under Wait',
    from: 'Active',
    records: [converged('a'), converged('b'), record('c')],
    offline: ['c'],
    to: 'Active',
  },
  {
    title: 'D7: an offline host is left behind under Skip',
    from: 'Active',
    records: [converged('a'), converged('b'), record('c')],
    offline: ['c'],
    skip: true,
    to: 'Terminal',
  },
  {
    title: 'D7: a wave of offline hosts only is not skipped',
    from: 'Active',
    records: [converged('a'), converged('b'), record('c', {}, { wave: 1 })],
    offline: ['c'],
    skip: true,
    to: 'Active',
  },
  {
    title: 'D7: a converged host that went offline still counts as converged',
    from: 'Active',
    records: [converged('a'), converged('b'), converged('c', 1)],
    offline: ['c'],
    skip: true,
    to: 'Terminal',
  },
  {
    title: 'a superseded rollout is left alone, whatever its records do',
    from: 'Superseded',
    records: [record('a', { state: 'Failed' }), record('b'), record('c')],
    to: 'Superseded',
  },
  {
    title: 'a terminal rollout stays terminal',
    from: 'Terminal',
    records: [converged('a'), converged('b'), record('c', { state: 'Failed' })],
    to: 'Terminal',
  },
];

describe('the state of a rollout by comparison with its records', () => {
  test.each(cases)('$title', ({ from, records, to, hostCount = 3, ...more }) => {
    const of = rollout({ state: from }, { hostCount });
    const derived = deriveState(facts(of, records, more));
    expect(derived.record.state).toBe(to);
    const again = deriveState(
      facts({ ...of, status: { ...of.status, currentWave: 0, state: to } }, records, more),
    );
    expect(again.transitions).toEqual([]);
  });

  test('each step on the way is a transition with its cause', () => {
    const records = [record('a', { state: 'Failed' }), record('b'), record('c')];
    expect(deriveState(facts(rollout({ state: 'Opening' }), records)).transitions).toEqual([
      { from: 'Opening', to: 'Active', cause: 'HostJoined', message: 'all 3 records exist' },
      { from: 'Active', to: 'Failed', cause: 'HostStateChanged', message: 'a is Failed' },
    ]);
  });

  test('the end is stamped with the time it was seen, once', () => {
    const records = [converged('a'), converged('b'), converged('c')];
    expect(deriveState(facts(rollout(), records)).record.terminalAt).toBe(NOW);
  });

  test('the wave cursor is the planner’s and never moves here', () => {
    const records = [converged('a'), converged('b'), converged('c')];
    expect(deriveState(facts(rollout({ currentWave: 1 }), records)).record.currentWave).toBe(1);
  });
});
