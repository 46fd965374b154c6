import { describe, expect, it } from 'vitest';
import { hostStateSchema } from '../../../src/api/wire/enums.ts';
import type { AgentEventKind } from '../../../src/api/wire/events.ts';
import type { EventFamily } from '../../../src/core/host/events.ts';
import { rehydrate } from '../../../src/core/host/rehydrate.ts';
import { step } from '../../../src/core/host/step.ts';
import { at, prior, probeResult, record, samples, target } from './support.ts';

const halt = { onHealthFailure: 'halt' } as const;
const rollback = { onHealthFailure: 'rollback-and-halt' } as const;
const families: EventFamily[] = ['local', 'remote'];
const kinds = Object.values(samples).map((event) => event.kind);

const legal: Readonly<Record<string, readonly AgentEventKind[]>> = {
  Pending: ['DispatchAck'],
  Activating: ['ActivationStarted', 'ActivationCompleted', 'ActivationDeferred', 'ActivationFailed'],
  Deferred: ['ActivationCompleted', 'ActivationFailed'],
  Soaking: [
    'ProbeTopologyDeclared',
    'ProbeObservedFirst',
    'ProbeResult',
    'ProbeFailureFirst',
    'Failed',
    'Converged',
  ],
  Failed: ['RollbackComplete'],
  Converged: [],
  Reverted: [],
};

describe('the host machine', () => {
  for (const state of hostStateSchema.options) {
    it(`knows in ${state} exactly the events of its row, in both families`, () => {
      const accepted = families.map((family) =>
        kinds.filter((kind) => step(record(state), { family, event: samples[kind] }, at(0), halt).ok),
      );
      expect(accepted[0]?.toSorted()).toEqual(legal[state]?.toSorted());
      expect(accepted[1]).toEqual(accepted[0]);
    });

    it(`refuses a stale sequence number in ${state} before it looks at anything else`, () => {
      for (const kind of kinds) {
        const known = record(state, { lastEventSeq: 7 });
        const result = step(known, { family: 'remote', event: { ...samples[kind], seq: 7 } }, at(0), halt);
        expect(result).toEqual({
          ok: false,
          error: { kind: 'SeqRegression', got: 7, last: 7, rolloutId: 'stable@ab12', hostname: 'web-01' },
        });
      }
    });

    it(`voids probe results when an agent loads a record in ${state}, unless it is Pending`, () => {
      expect(rehydrate(record(state))).toHaveLength(state === 'Pending' ? 0 : 1);
    });
  }

  it('names the family of an event that the state does not know', () => {
    const event = samples.Failed;
    expect(step(record('Pending'), { family: 'local', event }, at(0), halt)).toMatchObject({
      error: { kind: 'IllegalForState', from: 'Pending', event: 'LocalSustainedFailureCrossed' },
    });
    expect(step(record('Pending'), { family: 'remote', event }, at(0), halt)).toMatchObject({
      error: { event: 'RemoteFailed' },
    });
  });

  it('accepts gaps in the numbering and remembers the last number', () => {
    const result = step(
      record('Pending'),
      { family: 'remote', event: { ...samples.DispatchAck, seq: 41 } },
      at(0),
      halt,
    );
    expect(result).toMatchObject({ ok: true, next: { state: 'Activating', lastEventSeq: 41 } });
  });

  it('lets an agent record the transition before it reports and switches, and the control plane log first', () => {
    const types = families.map((family) => {
      const result = step(record('Pending'), { family, event: samples.DispatchAck }, at(0), halt);
      return result.ok ? result.effects.map((effect) => effect.type) : [];
    });
    expect(types).toEqual([
      ['RecordTransition', 'LocalEmitEvent', 'LocalFireSwitch'],
      ['RemoteAppendEventLog', 'RecordTransition'],
    ]);
  });

  it('forgets probe results when an activation completes, but not that a probe has failed', () => {
    const probed = record('Activating', {
      probes: new Map([['http', { status: 'fail', mode: 'enforce', lastObservedAt: at(1) }]]),
      probeFailureFirstAt: at(1),
    });
    const result = step(probed, { family: 'local', event: samples.ActivationCompleted }, at(0), halt);
    expect(result).toMatchObject({
      next: { state: 'Soaking', probes: new Map(), probeFailureFirstAt: at(1) },
    });
  });

  it('orders a rollback to the closure of the dispatch, only under the policy and only from an agent', () => {
    const orders = (family: EventFamily, policy: typeof halt | typeof rollback, closure?: string) => {
      const activating = record('Activating', { currentClosureAtDispatch: closure });
      const result = step(activating, { family, event: samples.ActivationFailed }, at(0), policy);
      return result.ok ? result.effects.filter((effect) => effect.type === 'LocalFireRollbackTo') : [];
    };
    expect(orders('local', rollback, prior)).toMatchObject([{ closure: prior }]);
    expect(orders('local', rollback, '')).toMatchObject([{ closure: '' }]);
    expect(orders('local', rollback)).toEqual([]);
    expect(orders('local', halt, prior)).toEqual([]);
    expect(orders('remote', rollback, prior)).toEqual([]);
  });

  it('neither stamps a policy nor rolls back when a deferred activation fails', () => {
    const deferred = record('Deferred', { currentClosureAtDispatch: prior });
    const result = step(deferred, { family: 'local', event: samples.ActivationFailed }, at(0), rollback);
    expect(result).toMatchObject({ next: { state: 'Failed', policyApplied: undefined } });
    expect(result.ok && result.effects).toHaveLength(2);
  });

  it('quarantines the target on every reported rollback, under halt too', () => {
    const failed = record('Failed', { policyApplied: 'halt' });
    const result = step(failed, { family: 'remote', event: samples.RollbackComplete }, at(0), halt);
    expect(result.ok && result.effects[1]).toEqual({
      type: 'RemoteInsertQuarantine',
      channel: 'stable',
      closure: target,
    });
  });

  it.each([
    ['on another closure', {}, { currentClosure: prior }, 'closure_mismatch'],
    ['shortly before the soak is over', {}, { convergedAt: at(9.9999) }, 'soak_not_elapsed'],
    ['while an enforced probe fails', { mode: 'enforce', status: 'fail' }, {}, 'enforce_probe_not_passing'],
    ['although an observed probe fails', { mode: 'observe', status: 'fail' }, {}, undefined],
    ['exactly when the soak is over', {}, {}, undefined],
  ] as const)('judges a host that calls itself converged %s', (_, probe, event, code) => {
    const probes = new Map('mode' in probe ? [['http', { ...probe, lastObservedAt: at(4) }]] : []);
    const result = step(
      record('Soaking', { probes }),
      { family: 'remote', event: { ...samples.Converged, ...event } },
      at(0),
      halt,
    );
    if (code === undefined) expect(result).toMatchObject({ next: { state: 'Converged' } });
    else expect(result).toEqual({ ok: false, error: { kind: 'Invariant', code } });
  });

  it('keeps a probe of any name apart from the machinery', () => {
    const event = probeResult('fail', { probeName: '__proto__', failureReason: '502' });
    const result = step(record('Soaking'), { family: 'remote', event }, at(0), halt);
    expect(result.ok && result.next.probes.get('__proto__')).toMatchObject({ failureReason: '502' });
  });

  it('forgets the reason on a pass and keeps the last pass on a failure', () => {
    const passed = step(
      record('Soaking'),
      { family: 'remote', event: probeResult('pass', { failureReason: 'late', seq: 1 }) },
      at(0),
      halt,
    );
    if (!passed.ok) throw new Error('refused');
    expect(passed.next.probes.get('http')).toMatchObject({ lastPassAt: at(4), failureReason: undefined });
    const event = probeResult('fail', { observedAt: at(5), seq: 2 });
    const failed = step(passed.next, { family: 'remote', event }, at(0), halt);
    expect(failed.ok && failed.next.probes.get('http')).toMatchObject({ status: 'fail', lastPassAt: at(4) });
    expect(failed.ok && failed.next.probeFailureFirstAt).toBeUndefined();
  });
});
