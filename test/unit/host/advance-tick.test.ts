import { describe, expect, it } from 'vitest';
import { addMillis } from '../../../src/api/time.ts';
import type { ProbeMode, ProbeStatus } from '../../../src/api/wire/enums.ts';
import { advanceTick } from '../../../src/core/host/advance-tick.ts';
import type { HostRecord } from '../../../src/core/host/record.ts';
import { at, prior, record, target } from './support.ts';

function soaking(mode: ProbeMode, status: ProbeStatus, changes: Partial<HostRecord> = {}): HostRecord {
  const probes = new Map([['http', { mode, status, lastObservedAt: at(4) }]]);
  return record('Soaking', { currentClosure: target, probes, ...changes });
}

describe('what an agent concludes as time passes', () => {
  it('is a failure once an enforced probe fails 120 seconds after the first failure ever', () => {
    const failing = soaking('enforce', 'fail', { probeFailureFirstAt: at(4) });
    expect(advanceTick(failing, addMillis(at(6), -1), undefined)).toBeUndefined();
    expect(advanceTick(failing, at(6), undefined)).toEqual({
      kind: 'Failed',
      failedAt: at(6),
      sustainedDurationSecs: 120,
      failingProbes: ['http'],
      policyApplied: 'halt',
      seq: 0,
    });
    const policy = { onHealthFailure: 'rollback-and-halt' } as const;
    expect(advanceTick(failing, at(6), policy)).toMatchObject({ policyApplied: 'rollback-and-halt' });
    const observed = soaking('observe', 'fail', { probeFailureFirstAt: at(4) });
    expect(advanceTick(observed, at(6), policy)).toBeUndefined();
  });

  it('is convergence when the soak is over on the target and enforced probes pass', () => {
    expect(advanceTick(soaking('enforce', 'pass'), at(10), undefined)).toMatchObject({ kind: 'Converged' });
    expect(advanceTick(soaking('observe', 'fail'), at(10), undefined)).toMatchObject({ kind: 'Converged' });
    for (const held of [
      soaking('enforce', 'fail'),
      soaking('enforce', 'pass', { currentClosure: prior }),
      soaking('enforce', 'pass', { currentClosure: undefined }),
      soaking('enforce', 'pass', { soakDueAt: undefined }),
      soaking('enforce', 'pass', { state: 'Activating' }),
    ]) {
      expect(advanceTick(held, at(10), undefined)).toBeUndefined();
    }
    expect(advanceTick(soaking('enforce', 'pass'), addMillis(at(10), -1), undefined)).toBeUndefined();
  });
});
