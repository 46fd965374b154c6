import { describe, expect, test } from 'vitest';
import { GATES } from '../../../src/api/gates.ts';
import { rolloutStatusSchema, type RolloutStatus } from '../../../src/api/kinds/rollout.ts';
import { ROLLOUT_REASONS } from '../../../src/api/reasons-rollout.ts';
import { conditionOf } from '../../../src/core/conditions.ts';
import { gateReason } from '../../../src/core/rollout/blocked.ts';
import { deriveStatus, isUrgent } from '../../../src/core/rollout/derive-status.ts';
import { facts, NOW, record, rollout, time } from './objects.ts';

const by = (gate: string, key?: string) => ({ gate, since: NOW, ...(key !== undefined && { key }) });

function printed(status: RolloutStatus): string[] {
  return (status.conditions ?? []).map(({ type, status: truth, reason }) => `${type}=${truth} ${reason}`);
}

const running = [record('a', { state: 'Soaking' }), record('b'), record('c')];
const held = [
  record('a', { state: 'Converged' }),
  record('b', { blockedBy: [by('wave-promotion'), by('host-edge', 'a')] }),
  record('c', { blockedBy: [by('wave-promotion'), by('disruption-budget', 'tag:web')] }),
];
const failed = [record('a', { state: 'Failed' }), record('b'), record('c')];
const done = ['a', 'b', 'c'].map((host) => record(host, { state: 'Converged' }));

describe('conditions as kstatus, Flux and Argo CD read them', () => {
  test.each([
    [
      'while it opens',
      facts(rollout({ state: 'Opening' }), []),
      [
        'Ready=False Opening',
        'Progressing=True Opening',
        'Blocked=False NotBlocked',
        'Paused=False NotPaused',
        'Reconciling=True Opening',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'while hosts switch',
      facts(rollout(), running),
      [
        'Ready=False InProgress',
        'Progressing=True InProgress',
        'Blocked=False NotBlocked',
        'Paused=False NotPaused',
        'Reconciling=True InProgress',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'while gates hold all that are to come',
      facts(rollout(), held),
      [
        'Ready=False InProgress',
        'Progressing=False Waiting',
        'Blocked=True WavePromotion',
        'Paused=False NotPaused',
        'Reconciling=True InProgress',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'while a person pauses it',
      facts(rollout({}, { intent: { hold: 'Pause', retry: [] } }), held),
      [
        'Ready=False InProgress',
        'Progressing=False RolloutPaused',
        'Blocked=True WavePromotion',
        'Paused=True RolloutPaused',
        'Reconciling=True InProgress',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'while the Fleet is on hold',
      facts(rollout(), running, { onHold: true }),
      [
        'Ready=False InProgress',
        'Progressing=True InProgress',
        'Blocked=False NotBlocked',
        'Paused=True FleetOnHold',
        'Reconciling=True InProgress',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'halted',
      facts(rollout(), failed),
      [
        'Ready=False HostFailed',
        'Progressing=False HostFailed',
        'Blocked=False NotBlocked',
        'Paused=False NotPaused',
        'Reconciling=False HostFailed',
        'Stalled=True HostFailed',
      ],
    ],
    [
      'at its end',
      facts(rollout(), done),
      [
        'Ready=True Converged',
        'Progressing=False Converged',
        'Blocked=False NotBlocked',
        'Paused=False NotPaused',
        'Reconciling=False Converged',
        'Stalled=False NotStalled',
      ],
    ],
    [
      'superseded while gates held hosts',
      facts(rollout({ state: 'Superseded' }), held),
      [
        'Ready=False Superseded',
        'Progressing=False Superseded',
        'Blocked=False NotBlocked',
        'Paused=False NotPaused',
        'Reconciling=False Superseded',
        'Stalled=False NotStalled',
      ],
    ],
  ])('%s', (_title, of, expected) => {
    expect(printed(deriveStatus(of, undefined).status)).toEqual(expected);
  });

  test('hosts that were left behind show in Ready', () => {
    const records = [record('a', { state: 'Failed', clearedAt: NOW }), ...done.slice(1)];
    const { status } = deriveStatus(facts(rollout(), records), undefined);
    expect(conditionOf(status.conditions, 'Ready')).toMatchObject({
      status: 'True',
      reason: 'ConvergedPartly',
    });
  });

  test('a halted rollout says who halts it and what a person can do', () => {
    const { status } = deriveStatus(facts(rollout(), failed), undefined);
    expect(conditionOf(status.conditions, 'Stalled')?.message).toBe(
      'Halted by a: retry (spec.intent.retry), leave behind (spec.intent.clear), or release anew.',
    );
  });

  test('every reason is in the catalogue or is a gate', () => {
    const known = new Set<string>([
      ...Object.keys(ROLLOUT_REASONS),
      ...GATES.map(({ name }) => gateReason(name)),
    ]);
    for (const of of [facts(rollout(), held), facts(rollout(), failed), facts(rollout(), done)]) {
      for (const { reason } of deriveStatus(of, undefined).status.conditions ?? [])
        expect(known).toContain(reason);
    }
  });
});

describe('what people see of a rollout', () => {
  test('counters, shortened values, and every gate with whom it holds and what clears it', () => {
    const { status } = deriveStatus(facts(rollout(), held, { offline: ['c'] }), undefined);
    expect(status.hosts).toEqual({
      total: 3,
      pending: 2,
      activating: 0,
      deferred: 0,
      soaking: 0,
      converged: 1,
      failed: 0,
      reverted: 0,
      offline: 1,
      leftBehind: 0,
    });
    expect(status.progress).toEqual({ wave: '1/2', converged: '1/3', ref: 'abcdef01' });
    expect(status.blocked).toEqual([
      {
        gate: 'wave-promotion',
        count: 2,
        reason: 'clears when every host of the waves before is Converged, Deferred or left behind',
        hosts: ['b', 'c'],
      },
      {
        gate: 'host-edge',
        count: 1,
        reason: 'waits for a; clears when the named host is Converged, Deferred or left behind',
        hosts: ['b'],
      },
      {
        gate: 'disruption-budget',
        count: 1,
        reason:
          'waits for tag:web; clears when a host of the named budget ends its switch and soak, or is cleared',
        hosts: ['c'],
      },
    ]);
  });

  test('a gate that holds hundreds is named with five of them', () => {
    const many = Array.from({ length: 300 }, (_, n) =>
      record(`h-${String(n).padStart(3, '0')}`, { blockedBy: [by('host-edge', `g-${n}`)] }),
    );
    const { status } = deriveStatus(facts(rollout({}, { hostCount: 300 }), many), undefined);
    expect(status.blocked).toMatchObject([
      { count: 300, hosts: ['h-000', 'h-001', 'h-002', 'h-003', 'h-004'] },
    ]);
    expect(status.blocked?.[0]?.reason).toContain('waits for g-0, g-1, g-2 and 297 more;');
  });

  test('the status fits its schema, and others’ fields are kept', () => {
    const manifest = { sha256: 's', signedAt: NOW, contentRefs: ['lab-1'] };
    const { status } = deriveStatus(facts(rollout({ manifest, currentWave: 1 }), held), undefined);
    expect(rolloutStatusSchema.strict().parse(status)).toMatchObject({ manifest, currentWave: 1 });
  });

  test('what no longer holds is gone', () => {
    const before = deriveStatus(facts(rollout(), held), undefined).status;
    const after = deriveStatus(facts({ ...rollout(), status: before }, done), undefined).status;
    expect(after).not.toHaveProperty('blocked');
  });

  test('the same facts a minute later are the same status, so that nothing is written', () => {
    const before = deriveStatus(facts(rollout(), held), undefined).status;
    const again = { ...facts({ ...rollout(), status: before }, held), now: time('2026-03-01T12:01:00Z') };
    expect(deriveStatus(again, undefined).status).toEqual(before);
  });
});

describe('what is written at once', () => {
  const before = deriveStatus(facts(rollout(), running), undefined).status;
  test.each([
    ['a state', { ...before, state: 'Failed' as const }, true],
    ['a clear that was carried out', { ...before, clearedAt: NOW }, true],
    ['the answer to a change of the spec', { ...before, observedGeneration: 2 }, true],
    ['a counter', { ...before, progress: { wave: '1/2', converged: '2/3', ref: 'abcdef01' } }, false],
  ])('%s: %#', (_title, after, expected) => {
    expect(isUrgent(before, after)).toBe(expected);
  });
});
