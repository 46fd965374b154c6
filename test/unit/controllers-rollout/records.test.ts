import { expect, test } from 'vitest';
import { halts, isInFlight, recordsOfRollout } from '../../../src/core/rollout/current-records.ts';
import { NOW, record, rollout } from './objects.ts';

test('D21: a record of an earlier Rollout of the same name does not count', () => {
  const { newest, older } = recordsOfRollout(rollout(), [record('a'), record('b', {}, {}, 'uid-before')]);
  expect(newest.map(({ spec }) => spec.hostname)).toEqual(['a']);
  expect(older).toEqual([]);
});

test('D16: of several tries of a host the highest counts, in whatever order they come', () => {
  const tries = [2, 3, 1].map((attempt) => record('a', {}, { attempt }));
  const { newest, older } = recordsOfRollout(rollout(), tries);
  expect(newest.map(({ spec }) => spec.attempt)).toEqual([3]);
  expect(new Set(older.map(({ spec }) => spec.attempt))).toEqual(new Set([1, 2]));
});

test('hosts come in the order of their names', () => {
  const { newest } = recordsOfRollout(
    rollout(),
    ['web-2', 'db-1', 'web-1'].map((host) => record(host)),
  );
  expect(newest.map(({ spec }) => spec.hostname)).toEqual(['db-1', 'web-1', 'web-2']);
});

test.each([
  ['Failed', {}, true],
  ['Reverted', {}, true],
  ['Failed', { clearedAt: NOW }, false],
  ['Deferred', {}, false],
  ['Converged', {}, false],
] as const)('a %s record with %j halts: %s', (state, status, expected) => {
  expect(halts(record('a', { state, ...status }))).toBe(expected);
});

test.each([
  ['Pending', {}, false],
  ['Pending', { dispatch: { queuedAt: NOW, term: 1 } }, false],
  ['Pending', { dispatch: { queuedAt: NOW, term: 1, deliveredAt: NOW } }, true],
  ['Activating', {}, true],
  ['Soaking', {}, true],
  ['Deferred', {}, false],
  ['Converged', {}, false],
] as const)('a %s record with %j is in flight: %s', (state, status, expected) => {
  expect(isInFlight(record('a', { state, ...status }))).toBe(expected);
});
