import { describe, expect, it } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout, RolloutStatus } from '../../../src/api/kinds/rollout.ts';
import { blockedSummary, heldCount } from '../../../src/core/rollout/blocked.ts';
import { countHosts } from '../../../src/core/rollout/counters.ts';
import { halts, isInFlight, stateOf } from '../../../src/core/rollout/current-records.ts';
import { deriveState } from '../../../src/core/rollout/derive-state.ts';
import { deriveStatus, isUrgent } from '../../../src/core/rollout/derive-status.ts';
import { facts, NOW, record, rollout, time } from '../controllers-rollout/objects.ts';

function bare(object: HostRolloutRecord): HostRolloutRecord {
  const { status: _, ...rest } = object;
  return rest;
}

function bareRollout(spec: Partial<Rollout['spec']> = {}): Rollout {
  const { status: _, ...rest } = rollout({}, spec);
  return rest;
}

const EARLIER = time('2026-03-01T11:00:00Z');
const gate = (name: string, key?: string) => ({ gate: name, since: NOW, ...(key !== undefined && { key }) });
const converged = (host: string): HostRolloutRecord => record(host, { state: 'Converged' });
const [a, b, c] = ['a', 'b', 'c'].map((host) => record(host));
const three = [a, b, c].filter((one) => one !== undefined);

describe('a record that was just created', () => {
  it('is Pending: it halts nothing, is not in flight, and no gate holds it yet', () => {
    const created = bare(record('a'));
    expect(stateOf(created)).toBe('Pending');
    expect([halts(created), isInFlight(created), heldCount([created])]).toEqual([false, false, 0]);
    expect(blockedSummary([created])).toEqual([]);
    expect(countHosts(facts(rollout(), [created]))).toMatchObject({ pending: 1, leftBehind: 0 });
  });
});

describe('hosts that gates hold', () => {
  it('are Pending ones: what moves on is held no longer, whatever its status still says', () => {
    const held = { blockedBy: [gate('host-edge', 'x')] };
    const records = [
      record('a', held),
      record('b', { ...held, state: 'Activating' }),
      record('c', { blockedBy: [] }),
    ];
    expect(heldCount(records)).toBe(1);
    expect(blockedSummary(records)).toMatchObject([{ gate: 'host-edge', count: 1, hosts: ['a'] }]);
  });

  it('are summed up with at most three of the things they wait for', () => {
    const reasonOf = (...keys: string[]): string | undefined =>
      blockedSummary(keys.map((key) => record(key, { blockedBy: [gate('host-edge', key)] })))[0]?.reason;
    const clears = 'clears when the named host is Converged, Deferred or left behind';
    expect(reasonOf('x', 'y', 'z')).toBe(`waits for x, y, z; ${clears}`);
    expect(reasonOf('w', 'x', 'y', 'z')).toBe(`waits for w, x, y and 1 more; ${clears}`);
    expect(reasonOf('k'.repeat(1100))).toMatch(/^waits for k{1013}…$/);
  });
});

describe('a rollout that was just created', () => {
  it('is Opening in its first wave from now on, with all conditions', () => {
    const { status, transitions } = deriveStatus(facts(bareRollout(), []), undefined);
    expect(transitions).toEqual([]);
    expect(status).toMatchObject({ state: 'Opening', currentWave: 0, openedAt: NOW, observedGeneration: 1 });
    expect(Object.keys(status).toSorted()).toEqual(
      [
        'conditions',
        'currentWave',
        'hosts',
        'observedGeneration',
        'openedAt',
        'progress',
        'state',
      ].toSorted(),
    );
    expect(status.conditions?.map(({ type }) => type)).toEqual([
      'Ready',
      'Progressing',
      'Blocked',
      'Paused',
      'Reconciling',
      'Stalled',
    ]);
  });

  it('stays Opening while a record is missing, though another one has failed', () => {
    const records = [record('a', { state: 'Failed' }), record('b')];
    expect(deriveState(facts(bareRollout(), records))).toMatchObject({
      record: { state: 'Opening' },
      transitions: [],
    });
  });

  it('has generation 0 before the API server counts', () => {
    const { generation: _, ...metadata } = rollout().metadata;
    expect(deriveStatus(facts({ ...rollout(), metadata }, three), undefined).status.observedGeneration).toBe(
      0,
    );
  });
});

describe('the status of a rollout', () => {
  it('has an end and a clear where there were any, and keeps them', () => {
    const ended = deriveStatus(facts(rollout(), ['a', 'b', 'c'].map(converged)), EARLIER).status;
    expect(ended).toMatchObject({ state: 'Terminal', terminalAt: NOW, clearedAt: EARLIER });
    expect(deriveStatus(facts(rollout(), three), undefined).status).not.toHaveProperty('terminalAt');
    expect(deriveStatus(facts(rollout(), three), undefined).status).not.toHaveProperty('clearedAt');
    const over = rollout({
      state: 'Superseded',
      terminalAt: EARLIER,
      supersededAt: EARLIER,
      openedAt: EARLIER,
    });
    expect(deriveState(facts(over, three)).record).toMatchObject({
      terminalAt: EARLIER,
      supersededAt: EARLIER,
      openedAt: EARLIER,
    });
    expect(deriveStatus(facts(over, three), undefined).status.terminalAt).toBe(EARLIER);
  });

  it('names the successor in its conditions', () => {
    const over = rollout({ state: 'Superseded', supersededBy: 'stable-2' });
    expect(deriveStatus(facts(over, three), undefined).status.conditions?.[0]?.message).toBe(
      'stable-2 took over.',
    );
  });

  it.each(['Superseded', 'Pruned'] as const)('names no gate once it is %s', (state) => {
    const records = [record('a', { blockedBy: [gate('host-edge', 'x')] })];
    expect(deriveStatus(facts(rollout({ state }), records), undefined).status).not.toHaveProperty('blocked');
  });

  it('counts whom nobody waits for: cleared hosts, and offline ones under Skip, but none that has converged', () => {
    const cleared = { clearedAt: NOW };
    const records = [
      record('a', { state: 'Failed', ...cleared }),
      record('b'),
      record('c', { state: 'Converged', ...cleared }),
      record('d', { state: 'Converged' }),
    ];
    const count = (skip: boolean): number =>
      countHosts(facts(rollout(), records, { offline: ['b', 'd'], skip })).leftBehind;
    expect([count(false), count(true)]).toEqual([1, 2]);
  });
});

describe('a rollout that is over because nobody is waited for', () => {
  it('may have only cleared hosts in a wave: that a person decided', () => {
    const records = three.map(({ spec }) => record(spec.hostname, { state: 'Failed', clearedAt: NOW }));
    expect(deriveState(facts(rollout(), records)).transitions).toEqual([
      { from: 'Active', to: 'Terminal', cause: 'RolloutTerminal', message: 'no host is waited for' },
    ]);
  });

  it('may not have only skipped hosts in a wave, though another wave has converged ones', () => {
    const records = [
      converged('a'),
      record('b', {}, { wave: 1 }),
      record('c', { clearedAt: NOW }, { wave: 1 }),
    ];
    const { record: derived } = deriveState(facts(rollout(), records, { offline: ['b'], skip: true }));
    expect(derived.state).toBe('Active');
  });

  it('may skip a host whose record has no status yet, where another of its wave has converged', () => {
    const records = [converged('a'), converged('b'), bare(record('c'))];
    const { record: derived } = deriveState(facts(rollout(), records, { offline: ['c'], skip: true }));
    expect(derived.state).toBe('Terminal');
  });
});

describe('a halted rollout whose hosts were dealt with', () => {
  it.each(['Failed', 'Reverted'] as const)('goes on from %s', (state) => {
    const records = [record('a', { state, clearedAt: NOW }), record('b'), record('c')];
    expect(deriveState(facts(rollout({ state }), records)).transitions).toEqual([
      { from: state, to: 'Active', cause: 'Resumed', message: 'every failed host was cleared or retried' },
    ]);
  });
});

describe('a status that is written at once', () => {
  it('is the first one', () => {
    const { status } = deriveStatus(facts(rollout(), three), undefined);
    expect(isUrgent(undefined, status)).toBe(true);
    expect(isUrgent({ ...status } satisfies RolloutStatus, status)).toBe(false);
  });
});
