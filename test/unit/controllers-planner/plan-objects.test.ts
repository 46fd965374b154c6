import { describe, expect, it } from 'vitest';
import type { Fleet, FleetStatus } from '../../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import type {
  HostRolloutRecord,
  HostRolloutRecordStatus,
  ProbeEntry,
} from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import {
  changesPlan,
  changesPlanOfFleet,
  changesPlanOfHost,
  changesPlanOfRollout,
  planHostOf,
  planRecordOf,
} from '../../../src/controllers/planner/plan-objects.ts';
import {
  SAMPLE_TIME,
  sampleFleet,
  sampleHost,
  sampleRecord,
  sampleRollout,
} from '../../support/kind-samples.ts';

const LATER = '2026-06-01T11:00:00Z' as Timestamp;
const PROBE: ProbeEntry = { name: 'http', mode: 'enforce', status: 'fail', lastObservedAt: SAMPLE_TIME };

function record(status?: Partial<HostRolloutRecordStatus>): HostRolloutRecord {
  const sample = sampleRecord('ns');
  return status === undefined
    ? sample
    : { ...sample, status: { state: 'Pending', lastEventSeq: 0, ...status } };
}

function host(status?: HostStatus): Host {
  const sample = sampleHost('ns');
  return status === undefined ? sample : { ...sample, status };
}

describe('what a plan reads of a record', () => {
  const projected = {
    name: 'stable-a1b2c3d4-0123456789.web-01',
    rollout: 'stable-a1b2c3d4-0123456789',
    hostname: 'web-01',
    attempt: 1,
    state: 'Pending',
    targetClosure: sampleRecord('ns').spec.targetClosure,
    soakMinutes: 5,
    outstandingFailures: 0,
  };

  it('has no member that the object does not have; a record without status is Pending', () => {
    expect(planRecordOf(record())).toStrictEqual(projected);
    expect(planRecordOf(record({}))).toStrictEqual(projected);
  });

  it('has the times, the mark and the outstanding failures', () => {
    const dispatch = {
      queuedAt: SAMPLE_TIME,
      term: 7,
      deliveredAt: SAMPLE_TIME,
      lastDeliveredAt: LATER,
      suspended: true,
    };
    const times = { dispatchAckedAt: SAMPLE_TIME, soakDueAt: LATER, clearedAt: LATER };
    expect(planRecordOf(record({ state: 'Soaking', ...times, dispatch, probes: [PROBE] }))).toStrictEqual({
      ...projected,
      state: 'Soaking',
      ...times,
      dispatch,
      outstandingFailures: 1,
    });
    const undelivered = { queuedAt: SAMPLE_TIME, term: 7 };
    expect(planRecordOf(record({ dispatch: undelivered })).dispatch).toStrictEqual(undelivered);
  });

  it('is made once per object', () => {
    const object = record({ state: 'Soaking' });
    expect(planRecordOf(object)).toBe(planRecordOf(object));
    expect(planRecordOf(record({ state: 'Soaking' }))).not.toBe(planRecordOf(object));
  });
});

describe('a change of a record', () => {
  it.each<[string, Partial<HostRolloutRecordStatus>]>([
    ['its state', { state: 'Soaking' }],
    ['a mark', { dispatch: { queuedAt: SAMPLE_TIME, term: 7 } }],
    ['an acknowledgement', { dispatchAckedAt: SAMPLE_TIME }],
    ['a person who left it behind', { clearedAt: SAMPLE_TIME }],
    ['a failing probe', { probes: [PROBE] }],
    ['a report that recovery may use', { lastReport: { closure: 'c', at: SAMPLE_TIME } }],
    [
      'a quarantine that is under way',
      {
        pendingEffects: [
          { type: 'InsertQuarantine', seq: 1, channel: 'stable', closure: 'c', reason: 'r', at: SAMPLE_TIME },
        ],
      },
    ],
  ])('asks for a plan where it is %s', (_, status) => {
    expect(changesPlan(record({}), record(status))).toBe(true);
    expect(changesPlan(record(status), record({}))).toBe(true);
  });

  it.each<[string, Partial<HostRolloutRecordStatus>]>([
    ['nothing', {}],
    ['its inbox', { inbox: [{ at: SAMPLE_TIME, event: { kind: 'Heartbeat' } }] }],
    [
      'its history',
      { history: [{ from: 'Pending', to: 'Activating', at: SAMPLE_TIME, seq: 1, cause: 'x' }] },
    ],
    ['its gates, which plans write', { blockedBy: [{ gate: 'host-offline', since: SAMPLE_TIME }] }],
    ['its count of events', { lastEventSeq: 4 }],
    ['a passing probe', { probes: [{ ...PROBE, status: 'pass' }] }],
    ['an observed probe', { probes: [{ ...PROBE, mode: 'observe' }] }],
  ])('asks for none where it is %s', (_, status) => {
    expect(changesPlan(record({}), record(status))).toBe(false);
  });

  it('asks for a plan where a host is told, or told again, from where a further attempt counts', () => {
    const further = (status: Partial<HostRolloutRecordStatus>) => {
      const object = record(status);
      return { ...object, spec: { ...object.spec, firstSeq: 4 } };
    };
    const told = (at: Timestamp) => ({ inbox: [{ at, event: { kind: 'Heartbeat' } }] });
    const folded = { lastReport: { closure: 'c', at: SAMPLE_TIME, receivedAt: LATER } };
    expect(changesPlan(further({}), further(told(SAMPLE_TIME)))).toBe(true);
    expect(changesPlan(further(told(SAMPLE_TIME)), further(told(LATER)))).toBe(true);
    expect(planRecordOf(further(told(LATER)))).toStrictEqual(planRecordOf(further(folded)));
  });

  it('asks for none where a report repeats the closure', () => {
    const report = (at: Timestamp) => record({ lastReport: { closure: 'c', at } });
    expect(changesPlan(report(SAMPLE_TIME), report(LATER))).toBe(false);
  });
});

describe('what a plan reads of a host', () => {
  it('takes a host that was never judged as not offline, and has no member that nobody reported', () => {
    expect(planHostOf(host())).toStrictEqual({ hostname: 'web-01', offline: false });
    expect(planHostOf(host({}))).toStrictEqual({ hostname: 'web-01', offline: false });
  });

  it('has what the host said and what the leader made of it', () => {
    const status = { offline: true, closure: 'c', firstSeenTime: SAMPLE_TIME, settledTime: LATER };
    expect(planHostOf(host(status))).toStrictEqual({
      hostname: 'web-01',
      offline: true,
      closure: 'c',
      firstReportAt: SAMPLE_TIME,
      settledTime: LATER,
    });
  });

  it('is made once per object', () => {
    const object = host({ closure: 'c' });
    expect(planHostOf(object)).toBe(planHostOf(object));
  });

  it('asks for a plan where it changed, and not for a heartbeat', () => {
    expect(changesPlanOfHost(host({ closure: 'c' }), host({ closure: 'd' }))).toBe(true);
    expect(changesPlanOfHost(host({}), host({ offline: true }))).toBe(true);
    expect(changesPlanOfHost(host({}), host({ settledTime: LATER }))).toBe(true);
    expect(
      changesPlanOfHost(host({ lastSeenTime: SAMPLE_TIME }), host({ lastSeenTime: LATER, declared: true })),
    ).toBe(false);
  });
});

describe('a change of a Rollout', () => {
  const object = sampleRollout('ns');
  const status = { state: 'Active', currentWave: 1, openedAt: SAMPLE_TIME } as const;
  const running: Rollout = { ...object, metadata: { ...object.metadata, uid: 'u', generation: 1 }, status };

  it.each<[string, Rollout]>([
    ['its spec', { ...running, metadata: { ...running.metadata, generation: 2 } }],
    ['another one of its name', { ...running, metadata: { ...running.metadata, uid: 'v' } }],
    ['its state', { ...running, status: { ...status, state: 'Terminal' } }],
    ['its wave', { ...running, status: { ...status, currentWave: 2 } }],
    [
      'its content',
      { ...running, status: { ...status, manifest: { hash: 'h', contentRefs: ['c'] } as never } },
    ],
  ])('matters: %s', (_, next) => {
    expect(changesPlanOfRollout(running, next)).toBe(true);
  });

  it('does not where only counters and conditions differ', () => {
    const metadata = { ...running.metadata, resourceVersion: '2' };
    expect(
      changesPlanOfRollout(running, { ...running, metadata, status: { ...status, conditions: [] } }),
    ).toBe(false);
  });
});

describe('a change of the Fleet', () => {
  const object = sampleFleet('ns');
  const status = { term: 3, artifact: { ciCommit: 'c', contentRefs: ['r'] } } as unknown as FleetStatus;
  const served: Fleet = { ...object, metadata: { ...object.metadata, uid: 'u', generation: 1 }, status };

  it.each<[string, Fleet]>([
    ['its spec', { ...served, metadata: { ...served.metadata, generation: 2 } }],
    ['another one of its name', { ...served, metadata: { ...served.metadata, uid: 'v' } }],
    ['the term', { ...served, status: { ...status, term: 4 } }],
    ['what is in force', { ...served, status: { ...status, artifact: undefined } }],
  ])('matters: %s', (_, next) => {
    expect(changesPlanOfFleet(served, next)).toBe(true);
  });

  it('does not where only counters and conditions differ', () => {
    const metadata = { ...served.metadata, resourceVersion: '2' };
    expect(changesPlanOfFleet(served, { ...served, metadata, status: { ...status, conditions: [] } })).toBe(
      false,
    );
  });
});
