import { describe, expect, it } from 'vitest';
import type { HostRolloutRecordStatus } from '../../../src/api/kinds/host-rollout-record.ts';
import type { FleetPlan, Hold, NewMark } from '../../../src/core/planner/fleet-plan-result.ts';
import { plannedChanges, statusAfterPlan } from '../../../src/core/planner/planned-status.ts';
import { minute, record } from './fleet-fixture.ts';

const PENDING: HostRolloutRecordStatus = { state: 'Pending', lastEventSeq: 0 };
const QUEUED = { queuedAt: minute(-5), term: 6 };
const MARK: NewMark = { record: record('a'), queuedAt: minute(0), term: 7, soakDueAt: minute(5) };
const NONE: readonly Hold[] = [];
const hold = (gate: Hold['gate'], key?: string): Hold => ({
  gate,
  reason: 'moves',
  ...(key !== undefined && { key }),
});

function plan(changes: Partial<FleetPlan>): FleetPlan {
  return {
    waves: [],
    marks: [],
    withdrawals: [],
    suspensions: [],
    resumptions: [],
    restamps: [],
    blockedBy: new Map(),
    blocked: new Map(),
    deadlocks: [],
    leftBehind: new Map(),
    isRecoverable: () => false,
    ...changes,
  };
}

describe('what a plan does to each record', () => {
  it('is collected by name; what is neither held nor marked is absent', () => {
    const holds = [hold('host-offline')];
    const made = plannedChanges(
      plan({
        marks: [MARK],
        withdrawals: [{ record: record('b'), reason: 'host-offline' }],
        suspensions: [{ record: record('c'), reason: 'host-offline' }],
        resumptions: [record('d')],
        restamps: [record('e')],
        blockedBy: new Map([
          ['web-r1.b', holds],
          ['web-r1.f', holds],
        ]),
      }),
    );
    expect(Object.fromEntries(made)).toEqual({
      'web-r1.a': { mark: MARK, holds: NONE },
      'web-r1.b': { action: 'withdraw', holds },
      'web-r1.c': { action: 'suspend', holds: NONE },
      'web-r1.d': { action: 'resume', holds: NONE },
      'web-r1.e': { action: 'restamp', holds: NONE },
      'web-r1.f': { holds },
    });
  });

  it('has of those that are held whom the plan visited, and all about whom something is decided', () => {
    const holds = [hold('host-offline')];
    const made = plannedChanges(
      plan({
        withdrawals: [{ record: record('b'), reason: 'host-offline' }],
        blockedBy: new Map(['b', 'c', 'd'].map((host) => [`web-r1.${host}`, holds])),
        visited: new Set(['web-r1.a', 'web-r1.c']),
      }),
    );
    expect(Object.fromEntries(made)).toEqual({
      'web-r1.b': { action: 'withdraw', holds },
      'web-r1.c': { holds },
    });
  });
});

describe('the status of a record after a plan', () => {
  const after = (
    status: HostRolloutRecordStatus,
    change: Parameters<typeof statusAfterPlan>[1],
  ): HostRolloutRecordStatus => statusAfterPlan(status, change, 7, minute(0));

  it('is the very same object where nothing changes', () => {
    const held = { ...PENDING, blockedBy: [{ gate: 'host-offline', since: minute(-3) }] };
    expect(after(PENDING, undefined)).toBe(PENDING);
    expect(after(PENDING, { holds: NONE })).toBe(PENDING);
    expect(after(held, { holds: [hold('host-offline')] })).toBe(held);
    expect(after(PENDING, { action: 'withdraw', holds: NONE })).toBe(PENDING);
    expect(after(PENDING, { action: 'restamp', holds: NONE })).toBe(PENDING);
  });

  it('carries a new mark with the end of its soak, and what the host ran before', () => {
    const marked = { ...PENDING, dispatch: { queuedAt: minute(0), term: 7 }, soakDueAt: minute(5) };
    expect(after(PENDING, { mark: MARK, holds: NONE })).toStrictEqual(marked);
    expect(after(PENDING, { mark: { ...MARK, closureBeforeDispatch: 'old' }, holds: NONE })).toStrictEqual({
      ...marked,
      closureBeforeDispatch: 'old',
    });
  });

  it('loses a withdrawn mark together with the end of its soak', () => {
    const marked = { ...PENDING, dispatch: QUEUED, soakDueAt: minute(0), closureBeforeDispatch: 'old' };
    expect(after(marked, { action: 'withdraw', holds: NONE })).toStrictEqual({
      ...PENDING,
      closureBeforeDispatch: 'old',
    });
  });

  it('keeps a suspended mark with its delivery and its term', () => {
    const delivered = { ...QUEUED, deliveredAt: minute(-4), lastDeliveredAt: minute(-1) };
    expect(after({ ...PENDING, dispatch: delivered }, { action: 'suspend', holds: NONE })).toStrictEqual({
      ...PENDING,
      dispatch: { ...delivered, suspended: true },
    });
  });

  it('resumes a mark in the current term', () => {
    const dispatch = { ...QUEUED, deliveredAt: minute(-4), suspended: true };
    expect(after({ ...PENDING, dispatch }, { action: 'resume', holds: NONE })).toStrictEqual({
      ...PENDING,
      dispatch: { ...QUEUED, deliveredAt: minute(-4), term: 7 },
    });
  });

  it('changes nothing but the term when a mark is stamped anew, a suspension included', () => {
    const dispatch = { ...QUEUED, deliveredAt: minute(-4), suspended: true };
    expect(
      after({ ...PENDING, dispatch, soakDueAt: minute(0) }, { action: 'restamp', holds: NONE }),
    ).toStrictEqual({
      ...PENDING,
      dispatch: { ...dispatch, term: 7 },
      soakDueAt: minute(0),
    });
  });

  it('says of each gate since when it holds: a known one keeps its time, whatever joins or leaves', () => {
    const status = {
      ...PENDING,
      blockedBy: [
        { gate: 'host-edge', key: 'db-1', since: minute(-9) },
        { gate: 'host-offline', since: minute(-3) },
      ],
    };
    const holds = [hold('channel-edges', 'db'), hold('host-offline')];
    expect(after(status, { holds })).toStrictEqual({
      ...PENDING,
      blockedBy: [
        { gate: 'channel-edges', key: 'db', since: minute(0) },
        { gate: 'host-offline', since: minute(-3) },
      ],
    });
  });

  it('begins anew where a gate waits for something else', () => {
    const status = { ...PENDING, blockedBy: [{ gate: 'host-edge', key: 'db-1', since: minute(-9) }] };
    expect(after(status, { holds: [hold('host-edge', 'db-2')] }).blockedBy).toStrictEqual([
      { gate: 'host-edge', key: 'db-2', since: minute(0) },
    ]);
  });

  it.each<[string, readonly Hold[]]>([
    ['one gate less', [hold('host-edge', 'db-1')]],
    ['the same gates in another order', [hold('host-offline'), hold('host-edge', 'db-1')]],
    ['one gate more', [hold('host-edge', 'db-1'), hold('host-offline'), hold('artifact-stale')]],
  ])('is rewritten for %s', (_, holds) => {
    const blockedBy = [
      { gate: 'host-edge', key: 'db-1', since: minute(-9) },
      { gate: 'host-offline', since: minute(-9) },
    ];
    const made = after({ ...PENDING, blockedBy }, { holds });
    expect(made.blockedBy?.map(({ gate }) => gate)).toEqual(holds.map(({ gate }) => gate));
  });

  it('names no gate once none holds it, though it is marked at the same time', () => {
    const status = { ...PENDING, blockedBy: [{ gate: 'host-offline', since: minute(-3) }] };
    expect(after(status, undefined)).toStrictEqual(PENDING);
    expect(after(status, { mark: MARK, holds: NONE })).not.toHaveProperty('blockedBy');
    expect(after(status, { mark: MARK, holds: NONE })).toHaveProperty('dispatch');
  });
});
