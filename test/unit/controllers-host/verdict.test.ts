import { describe, expect, test } from 'vitest';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import { hostStatusSchema } from '../../../src/api/kinds/host.ts';
import { HOST_REASONS } from '../../../src/api/reasons-rollout.ts';
import { conditionOf } from '../../../src/core/conditions.ts';
import { isPassing, isUrgentVerdict, judgeHost } from '../../../src/core/host/verdict.ts';
import { NOW, record, time } from '../controllers-rollout/objects.ts';

const MINUTE = 60_000;
const rules = { now: NOW, offlineAfterMs: 15 * MINUTE, ledForMs: 60 * MINUTE };
const seen = (clock: string): HostStatus => ({ lastSeenTime: time(`2026-03-01T${clock}Z`) });

function host(status: HostStatus | undefined, declaredClosure?: string): Host {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Host',
    metadata: { name: 'a', generation: 3, creationTimestamp: '2026-03-01T11:50:00Z' },
    spec: {
      fleetRef: 'lab',
      hostname: 'a',
      channel: 'stable',
      tags: [],
      platform: 'x86_64-linux',
      ...(declaredClosure !== undefined && { declaredClosure }),
    },
    ...(status && { status }),
  };
}

describe('D7: offline is judged by the leader alone', () => {
  test.each([
    ['heard a minute ago: online', seen('11:59:00'), rules, false, 'True Heartbeats', 14 * MINUTE + 1],
    ['silent for exactly the limit: online', seen('11:45:00'), rules, false, 'True Heartbeats', 1],
    ['silent for longer: offline', seen('11:44:59'), rules, true, 'False Silent', undefined],
    [
      'silent for longer, but the leader has led for five minutes: not yet',
      seen('11:00:00'),
      { ...rules, ledForMs: 5 * MINUTE },
      false,
      'Unknown NotJudgedYet',
      10 * MINUTE + 1,
    ],
    [
      'offline by an earlier leader and still silent: stays offline',
      { ...seen('11:00:00'), offline: true },
      { ...rules, ledForMs: 0 },
      true,
      'False Silent',
      undefined,
    ],
    [
      'offline by an earlier leader and heard since: online at once',
      { ...seen('11:59:00'), offline: true },
      { ...rules, ledForMs: 0 },
      false,
      'True Heartbeats',
      15 * MINUTE + 1,
    ],
    [
      'never seen, its object is ten minutes old: no verdict yet',
      undefined,
      rules,
      false,
      'Unknown NeverSeen',
      5 * MINUTE + 1,
    ],
    [
      'never seen for longer than the limit: offline',
      undefined,
      { ...rules, offlineAfterMs: 5 * MINUTE },
      true,
      'False NeverSeen',
      undefined,
    ],
    [
      'heard in the future, because a clock was set: online',
      seen('12:05:00'),
      rules,
      false,
      'True Heartbeats',
      20 * MINUTE + 1,
    ],
  ])('%s', (_title, status, by, offline, online, lookAgainInMs) => {
    const verdict = judgeHost(host(status), [], by);
    const condition = conditionOf(verdict.status.conditions, 'Online');
    expect(verdict.status.offline).toBe(offline);
    expect(`${condition?.status} ${condition?.reason}`).toBe(online);
    expect(verdict.lookAgainInMs).toBe(lookAgainInMs);
  });
});

describe('what a host is said to be', () => {
  const runs = (closure: string): HostStatus => ({ ...seen('11:59:00'), closure });
  const converged = record('a', { state: 'Converged' });

  test.each([
    [
      'runs what is declared and has converged',
      runs('clo-new'),
      'clo-new',
      [converged],
      'Converged',
      true,
      'True Declared',
    ],
    [
      'has converged and runs something else since',
      runs('clo-odd'),
      'clo-new',
      [converged],
      'Converged',
      false,
      'False OtherClosure',
    ],
    [
      'has converged and not said so yet',
      seen('11:59:00'),
      'clo-new',
      [converged],
      'Converged',
      undefined,
      'Unknown NotReported',
    ],
    ['waits for its wave', runs('clo-old'), 'clo-new', [record('a')], 'Pending', false, 'False Pending'],
    [
      'runs what is declared and is held by an earlier wave',
      runs('clo-new'),
      'clo-new',
      [record('a')],
      'Pending',
      true,
      'False Pending',
    ],
    ['has no record', runs('clo-old'), 'clo-new', [], undefined, false, 'Unknown Unmanaged'],
    [
      'is declared without closure',
      runs('clo-old'),
      undefined,
      [],
      undefined,
      undefined,
      'Unknown Unmanaged',
    ],
  ])('%s', (_title, status, declaredClosure, records, state, declared, expected) => {
    const verdict = judgeHost(host(status, declaredClosure), records, rules).status;
    const condition = conditionOf(verdict.conditions, 'Converged');
    expect(verdict.state).toBe(state);
    expect(verdict.declared).toBe(declared);
    expect(`${condition?.status} ${condition?.reason}`).toBe(expected);
    expect(Object.keys(HOST_REASONS)).toContain(condition?.reason);
    expect(hostStatusSchema.strict().parse(verdict)).toEqual(verdict);
  });

  test('its newest record counts: the latest opened, of several tries the last', () => {
    const at = (clock: string, attempt: number, state: 'Failed' | 'Soaking' | 'Activating') =>
      record(
        'a',
        { state },
        { dispatchedAt: time(`2026-03-01T${clock}Z`), attempt, rolloutRef: `at-${clock}` },
      );
    const records = [
      at('10:00:00', 9, 'Failed'),
      at('11:00:00', 2, 'Activating'),
      at('11:00:00', 1, 'Soaking'),
    ];
    for (const order of [records, records.toReversed()]) {
      expect(judgeHost(host(undefined), order, rules).status).toMatchObject({
        state: 'Activating',
        rollout: 'at-11:00:00',
      });
    }
  });

  test.each<[string, HostStatus | undefined, string]>([
    ['was not heard', undefined, 'Unknown NeverSeen'],
    ['is right', seen('11:59:00'), 'True ClockSynced'],
    ['is ahead', { ...seen('11:59:00'), clockSkewSeconds: 61 }, 'False ClockSkew'],
    ['is behind', { ...seen('11:59:00'), clockSkewSeconds: -3_600 }, 'False ClockSkew'],
  ])('whose clock %s', (_title, status, expected) => {
    const verdict = judgeHost(host(status), [], rules).status;
    const condition = conditionOf(verdict.conditions, 'ClockSynced');
    expect(`${condition?.status} ${condition?.reason}`).toBe(expected);
    expect(Object.keys(HOST_REASONS)).toContain(condition?.reason);
    expect(hostStatusSchema.strict().parse(verdict)).toEqual(verdict);
  });

  test('the verdict on a clock says which way it is off, and does not change with every second', () => {
    const messageAt = (clockSkewSeconds: number): string =>
      conditionOf(
        judgeHost(host({ ...seen('11:59:00'), clockSkewSeconds }), [], rules).status.conditions,
        'ClockSynced',
      )?.message ?? '';
    expect(messageAt(-3_600)).toMatch(/^The clock of the host is behind, .*: set it/);
    expect(messageAt(3_600)).toMatch(/^The clock of the host is ahead, .*: set it/);
    expect(messageAt(3_601)).toBe(messageAt(3_600));
  });

  test('verdicts that no longer hold are gone, facts stay', () => {
    const before: HostStatus = {
      ...runs('clo-old'),
      state: 'Failed',
      rollout: 'gone',
      declared: true,
      settledTime: NOW,
    };
    const { status } = judgeHost(host(before), [], rules);
    expect(status).toMatchObject({ closure: 'clo-old', settledTime: NOW, closureShort: 'clo-old' });
    for (const name of ['state', 'rollout', 'declared']) expect(status).not.toHaveProperty(name);
  });
});

describe('how long a verdict may wait', () => {
  test.each([
    ['going offline', { offline: false }, { offline: true }, true],
    ['coming back', { offline: true }, { offline: false }, true],
    ['the first verdict on an online host', undefined, { offline: false }, false],
    [
      'a failure',
      { offline: false, state: 'Soaking' as const },
      { offline: false, state: 'Failed' as const },
      true,
    ],
    [
      'a failure that is known',
      { offline: false, state: 'Failed' as const },
      { offline: false, state: 'Failed' as const, declared: false },
      false,
    ],
    [
      'converging',
      { offline: false, state: 'Soaking' as const },
      { offline: false, state: 'Converged' as const },
      false,
    ],
  ])('%s is urgent: %#', (_title, before, after, expected) => {
    expect(isUrgentVerdict(before, after)).toBe(expected);
  });

  test('what a good rollout is about to replace waits longest', () => {
    expect(isPassing({ state: 'Activating' })).toBe(true);
    expect(isPassing({ state: 'Converged', declared: false })).toBe(true);
    expect(isPassing({ state: 'Converged', declared: true })).toBe(false);
    expect(isPassing({ state: 'Pending' })).toBe(false);
  });
});
