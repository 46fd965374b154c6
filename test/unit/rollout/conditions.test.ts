import { describe, expect, it } from 'vitest';
import { rolloutObservations, type Standing } from '../../../src/core/rollout/observations.ts';

const HOSTS = {
  total: 3,
  pending: 2,
  activating: 0,
  deferred: 0,
  soaking: 0,
  converged: 1,
  failed: 0,
  reverted: 0,
  offline: 0,
  leftBehind: 0,
};

/** A rollout with one of three hosts done, and the others about to be let through. */
function standing(changes: Partial<Standing> = {}): Standing {
  return {
    state: 'Active',
    hosts: HOSTS,
    held: 0,
    blocked: [],
    paused: undefined,
    halting: [],
    supersededBy: undefined,
    ...changes,
  };
}

/** `status reason: message` of a condition. */
function shown(type: string, changes: Partial<Standing> = {}): string {
  const found = rolloutObservations(standing(changes)).find((observation) => observation.type === type);
  return found === undefined ? 'absent' : `${found.status} ${found.reason}: ${found.message}`;
}

const HALT = 'retry (spec.intent.retry), leave behind (spec.intent.clear), or release anew.';
const ON_ITS_WAY = 'InProgress: 1 of 3 hosts have converged.';

describe('what is said of a rollout', () => {
  it.each<[Standing['state'], Partial<Standing>, string]>([
    ['Opening', {}, 'False Opening: Waits until every record exists.'],
    ['Active', {}, `False ${ON_ITS_WAY}`],
    ['Converging', {}, `False ${ON_ITS_WAY}`],
    ['Terminal', {}, 'True Converged: All 3 hosts have converged.'],
    [
      'Terminal',
      { hosts: { ...HOSTS, leftBehind: 2 } },
      'True ConvergedPartly: 2 of 3 hosts were left behind.',
    ],
    ['Failed', { halting: ['a', 'b'] }, `False HostFailed: Halted by a, b: ${HALT}`],
    ['Reverted', { halting: ['a'] }, `False HostReverted: Halted by a: ${HALT}`],
    ['Superseded', {}, 'False Superseded: Another release took over.'],
    ['Superseded', { supersededBy: 'stable-2' }, 'False Superseded: stable-2 took over.'],
    ['Pruned', { supersededBy: 'stable-2' }, 'False Superseded: stable-2 took over.'],
  ])('in Ready while it is %s, %j', (state, changes, expected) => {
    expect(shown('Ready', { ...changes, state })).toBe(expected);
  });

  it('names at most five of the hosts that halt it', () => {
    const halting = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    expect(shown('Ready', { state: 'Failed', halting })).toBe(
      `False HostFailed: Halted by a, b, c, d, e and 2 more: ${HALT}`,
    );
    expect(shown('Ready', { state: 'Failed', halting: halting.slice(0, 5) })).toBe(
      `False HostFailed: Halted by a, b, c, d, e: ${HALT}`,
    );
  });

  const waiting = 'False Waiting: No host is in flight, and gates hold all that are to come.';

  it.each<[string, Partial<Standing>, string]>([
    ['hosts are about to be let through', {}, `True ${ON_ITS_WAY}`],
    ['gates hold some of them', { held: 1 }, `True ${ON_ITS_WAY}`],
    ['gates hold all of them', { held: 2 }, waiting],
    [
      'gates hold all, but a host switches',
      { held: 2, hosts: { ...HOSTS, activating: 1 } },
      `True ${ON_ITS_WAY}`,
    ],
    ['gates hold all, but a host soaks', { held: 2, hosts: { ...HOSTS, soaking: 1 } }, `True ${ON_ITS_WAY}`],
    [
      'a person holds it',
      { paused: 'RolloutPaused' },
      'False RolloutPaused: Set spec.intent.hold to None to go on.',
    ],
    [
      'a person holds it, but a host switches',
      { paused: 'RolloutPaused', hosts: { ...HOSTS, activating: 1 } },
      `True ${ON_ITS_WAY}`,
    ],
    ['it opens', { state: 'Opening', held: 2 }, 'True Opening: Waits until every record exists.'],
    [
      'it has failed',
      { state: 'Failed', halting: ['a'], hosts: { ...HOSTS, soaking: 1 } },
      `False HostFailed: Halted by a: ${HALT}`,
    ],
  ])('in Progressing where %s', (_, changes, expected) => {
    expect(shown('Progressing', changes)).toBe(expected);
  });

  it('in Blocked: every gate, the first as the reason', () => {
    expect(shown('Blocked')).toBe('False NotBlocked: No gate holds a host.');
    const blocked = [
      { gate: 'wave-promotion', count: 2, reason: 'clears later', hosts: [] },
      { gate: 'host-edge', count: 1, reason: 'waits for a', hosts: [] },
    ];
    expect(shown('Blocked', { blocked })).toBe(
      'True WavePromotion: wave-promotion holds 2: clears later. host-edge holds 1: waits for a.',
    );
  });

  it.each<[Standing['paused'], string]>([
    [undefined, 'False NotPaused: Nobody holds it.'],
    ['RolloutPaused', 'True RolloutPaused: Set spec.intent.hold to None to go on.'],
    ['FleetOnHold', 'True FleetOnHold: The Fleet is on hold: set its spec.intent.hold to None to go on.'],
  ])('in Paused by %s', (paused, expected) => {
    expect(shown('Paused', { paused })).toBe(expected);
  });

  it.each<[Standing['state'], string, string]>([
    ['Opening', 'True Opening', 'False NotStalled: Nobody has to step in.'],
    ['Active', 'True InProgress', 'False NotStalled: Nobody has to step in.'],
    ['Converging', 'True InProgress', 'False NotStalled: Nobody has to step in.'],
    ['Terminal', 'False Converged', 'False NotStalled: Nobody has to step in.'],
    ['Superseded', 'False Superseded', 'False NotStalled: Nobody has to step in.'],
    ['Failed', 'False HostFailed', `True HostFailed: Halted by a: ${HALT}`],
    ['Reverted', 'False HostReverted', `True HostReverted: Halted by a: ${HALT}`],
  ])('in Reconciling and Stalled while it is %s', (state, reconciling, stalled) => {
    expect(shown('Reconciling', { state, halting: ['a'] })).toMatch(`${reconciling}: `);
    expect(shown('Stalled', { state, halting: ['a'] })).toBe(stalled);
  });
});
