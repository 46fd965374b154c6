import { describe, expect, it } from 'vitest';
import type { HostRecord } from '../../../src/core/host/record.ts';
import type { RecordExtras } from '../../../src/core/host/extras.ts';
import { recoveryApplies, recoveryEvents } from '../../../src/core/host/recovery.ts';
import { at, foldState, prior, target } from './support.ts';

const rolledBack = { policyApplied: 'rollback-and-halt', currentClosureAtDispatch: target } as const;
const third = 'clo-third';

const failures: [string, Partial<HostRecord>, Partial<RecordExtras>, string, boolean][] = [
  ['is back on what it ran before the dispatch', rolledBack, { closureBeforeDispatch: prior }, prior, true],
  ['is still on the target', rolledBack, { closureBeforeDispatch: prior }, target, false],
  [
    'ran the target before, too, and still does',
    rolledBack,
    { closureBeforeDispatch: target },
    target,
    false,
  ],
  ['is on a closure nobody knows', rolledBack, { closureBeforeDispatch: prior }, third, false],
  ['is back but nobody knows what it ran before', rolledBack, {}, prior, false],
  [
    'is where it said it was at dispatch',
    { ...rolledBack, currentClosureAtDispatch: third },
    {},
    third,
    true,
  ],
  [
    'was told to halt',
    { ...rolledBack, policyApplied: 'halt' },
    { closureBeforeDispatch: prior },
    prior,
    false,
  ],
  [
    'failed while deferred',
    { ...rolledBack, policyApplied: undefined },
    { closureBeforeDispatch: prior },
    prior,
    false,
  ],
  [
    'reports nothing, as a made-up acknowledgement does',
    { ...rolledBack, currentClosureAtDispatch: '' },
    {},
    '',
    false,
  ],
];

describe('recovery from heartbeats', () => {
  it.each(['Activating', 'Deferred'] as const)(
    'completes the activation of a host in %s on its target',
    (state) => {
      const start = foldState(state, { lastEventSeq: 4 });
      expect(recoveryApplies(start, target)).toBe(true);
      expect(recoveryEvents(start, { closure: target, at: at(6) }, undefined)).toEqual([
        {
          kind: 'ActivationCompleted',
          observedCurrentClosure: target,
          exitCode: 0,
          completedAt: at(6),
          seq: 5,
        },
      ]);
      expect(recoveryApplies(start, prior)).toBe(false);
      expect(recoveryEvents(start, { closure: prior, at: at(6) }, undefined)).toEqual([]);
    },
  );

  it.each(failures)('judges a failed host that %s', (_, changes, extras, closure, recovers) => {
    const start = foldState('Failed', changes, extras);
    expect(recoveryApplies(start, closure)).toBe(recovers);
    const events = recoveryEvents(start, { closure, at: at(9) }, undefined);
    expect(events.map((event) => event.kind)).toEqual(recovers ? ['RollbackComplete'] : []);
  });

  it.each(['Soaking', 'Converged', 'Reverted'] as const)('has nothing to add in %s', (state) => {
    expect(recoveryApplies(foldState(state), target)).toBe(false);
    expect(recoveryEvents(foldState(state), { closure: target, at: at(9) }, undefined)).toEqual([]);
  });

  it('leaves a pending host alone without the leader’s permission', () => {
    expect(recoveryEvents(foldState('Pending'), { closure: target, at: at(9) }, undefined)).toEqual([]);
  });

  it('takes a pending host on its target to the end, no earlier than its soak', () => {
    const permission = { stopAtSoaking: false, soakDueAt: at(12) };
    expect(recoveryEvents(foldState('Pending'), { closure: target, at: at(9) }, permission)).toMatchObject([
      { kind: 'DispatchAck', currentClosureAtDispatch: '', receivedAt: at(9), seq: 1 },
      { kind: 'ActivationCompleted', observedCurrentClosure: target, seq: 2 },
      { kind: 'Converged', convergedAt: at(12), currentClosure: target, seq: 3 },
    ]);
  });

  it('stops at Soaking where an earlier record of the host has to soak first', () => {
    const permission = { stopAtSoaking: true, soakDueAt: at(12) };
    const events = recoveryEvents(foldState('Pending'), { closure: target, at: at(9) }, permission);
    expect(events.map((event) => event.kind)).toEqual(['DispatchAck', 'ActivationCompleted']);
  });

  it('asks for a pending record only once per closure', () => {
    expect(recoveryApplies(foldState('Pending'), target)).toBe(true);
    const heard = { lastReport: { closure: target, at: at(1) } };
    expect(recoveryApplies(foldState('Pending', {}, heard), target)).toBe(false);
    expect(recoveryApplies(foldState('Activating', {}, heard), target)).toBe(true);
  });

  it('makes up no number that a double cannot hold', () => {
    const start = foldState('Activating', { lastEventSeq: Number.MAX_SAFE_INTEGER });
    expect(recoveryEvents(start, { closure: target, at: at(6) }, undefined)).toEqual([]);
    const last = foldState('Activating', { lastEventSeq: Number.MAX_SAFE_INTEGER - 1 });
    expect(recoveryEvents(last, { closure: target, at: at(6) }, undefined)).toMatchObject([
      { seq: Number.MAX_SAFE_INTEGER },
    ]);
  });
});
