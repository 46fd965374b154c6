import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../src/api/kinds/condition.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { conditionOf, withObservations, type Observation } from '../../../src/core/conditions.ts';

const EARLIER = '2026-05-16T00:00:00Z' as Timestamp;
const NOW = '2026-05-16T01:00:00Z' as Timestamp;

const READY: Observation = { type: 'Ready', status: 'True', reason: 'InForce', message: 'all open' };
const before = (changes: Partial<Condition>): Condition => ({
  ...READY,
  observedGeneration: 1,
  lastTransitionTime: EARLIER,
  ...changes,
});

describe('a condition', () => {
  it('is stamped with generation and time when it is first observed', () => {
    const stamped = { ...READY, observedGeneration: 2, lastTransitionTime: NOW };
    expect(withObservations(undefined, [READY], 2, NOW)).toEqual([stamped]);
    expect(withObservations([before({ type: 'Fresh' })], [READY], 2, NOW)).toEqual([stamped]);
  });

  it('keeps its transition time while the status stays, whatever else changes', () => {
    const [condition] = withObservations([before({ reason: 'Other', message: 'other' })], [READY], 2, NOW);
    expect(condition).toEqual({ ...READY, observedGeneration: 2, lastTransitionTime: EARLIER });
  });

  it('moves its transition time with the status', () => {
    const [condition] = withObservations([before({ status: 'Unknown' })], [READY], 2, NOW);
    expect(condition?.lastTransitionTime).toBe(NOW);
  });

  it('is dropped when nobody observes it any more, and the order is that of the observations', () => {
    const fresh: Observation = { ...READY, type: 'Fresh' };
    const made = withObservations([before({}), before({ type: 'Gone' })], [fresh, READY], 2, NOW);
    expect(made.map(({ type }) => type)).toEqual(['Fresh', 'Ready']);
  });

  it('has a message that the API server accepts, cut with an ellipsis only where it is too long', () => {
    const messageOf = (length: number): string | undefined =>
      withObservations([], [{ ...READY, message: 'x'.repeat(length) }], 1, NOW)[0]?.message;
    expect(messageOf(2048)).toBe('x'.repeat(2048));
    expect(messageOf(2049)).toBe(`${'x'.repeat(2047)}…`);
  });

  it('is stored as it is computed, so that no character is cut in half', () => {
    const message = `${'x'.repeat(2046)}😀😀`;
    const [condition] = withObservations([], [{ ...READY, message }], 1, NOW);
    expect(condition?.message).toBe(`${'x'.repeat(2046)}…`);
  });

  it('is found by its type', () => {
    const conditions = [before({ type: 'Fresh' }), before({})];
    expect(conditionOf(conditions, 'Ready')).toBe(conditions[1]);
    expect(conditionOf(conditions, 'Stalled')).toBeUndefined();
    expect(conditionOf(undefined, 'Ready')).toBeUndefined();
  });
});
