import { describe, expect, it } from 'vitest';
import { isReplayed, mergeSnapshot, toSnapshot } from '../../../src/core/host/snapshot.ts';
import { at, prior, record, target } from './support.ts';

describe('snapshots', () => {
  it('omit what is absent and carry no probes', () => {
    expect(toSnapshot(record('Pending'))).toStrictEqual({
      rolloutId: 'stable@ab12',
      hostname: 'web-01',
      channel: 'stable',
      state: 'Pending',
      targetClosure: target,
      dispatchedAt: at(0),
      lastEventSeq: 0,
    });
  });

  it('move an agent back, values removed included, but leave it what they cannot carry', () => {
    const known = record('Soaking', { currentClosure: target, lastEventSeq: 9, failedAt: at(5) });
    const merged = mergeSnapshot(known, toSnapshot(record('Activating', { lastEventSeq: 4 })));
    expect(merged).toEqual({ ...record('Activating', { lastEventSeq: 4 }), failedAt: at(5) });
  });

  it('are sent for active records, but not to a host that only waits to be recovered', () => {
    const states = ['Pending', 'Activating', 'Deferred', 'Soaking', 'Failed'] as const;
    for (const state of states) expect(isReplayed(record(state), prior), state).toBe(true);
    expect(isReplayed(record('Pending'), target)).toBe(false);
    expect(isReplayed(record('Activating'), target)).toBe(true);
    for (const state of ['Converged', 'Reverted'] as const) {
      expect(isReplayed(record(state), prior), state).toBe(false);
    }
  });
});
