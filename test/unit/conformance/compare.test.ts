import { describe, expect, test } from 'vitest';
import { comparisonFor, differences } from '../../conformance/compare.ts';

const lenient = comparisonFor('host_step', false);
const exact = comparisonFor('verify_artifact', false);

describe('equal', () => {
  test.each([
    ['a null and an absent member', { a: null, b: { c: undefined } }, { b: {} }],
    ['failing probes in any order', { failing_probes: ['a', 'b'] }, { failing_probes: ['b', 'a'] }],
    ['members in any order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['zero and minus zero', { a: 0 }, { a: -0 }],
  ])('%s', (_, expected, actual) => {
    expect(differences(expected, actual, lenient)).toEqual([]);
  });
});

describe('different', () => {
  test.each([
    ['an array and its beginning', { a: [1, null] }, { a: [1] }, 'a[1]'],
    ['a list in another order', { effects: [1, 2] }, { effects: [2, 1] }, 'effects[0]'],
    [
      'failing probes of another number',
      { failing_probes: ['a', 'a'] },
      { failing_probes: ['a'] },
      'failing_probes[*]',
    ],
    ['a number and its text', { a: 1 }, { a: '1' }, 'a'],
    ['null and false', { a: null }, { a: false }, 'a'],
    ['an object and an array', { a: {} }, { a: [] }, 'a'],
    ['a member too many', {}, { a: { b: 1 } }, 'a'],
    ['a member that every object inherits', {}, { constructor: 1 }, 'constructor'],
    ['__proto__ as a member', JSON.parse('{"__proto__":{"a":1}}'), {}, '__proto__'],
    ['a name that is no identifier', { 'web-1': 1 }, { 'web-1': 2 }, '["web-1"]'],
  ])('%s', (_, expected, actual, path) => {
    expect(differences(expected, actual, lenient)[0]?.path).toBe(path);
  });

  test('null and absent, where documents are printed', () => {
    expect(differences({ a: null }, {}, exact)).toEqual([{ path: 'a', expected: null, actual: undefined }]);
    expect(differences({}, { a: undefined }, exact)).toEqual([]);
  });
});

test('the actions of a plan are a set, unless the case says that their order matters', () => {
  const [expected, actual] = [
    { actions: [{ host: 'a' }, { host: 'b' }] },
    { actions: [{ host: 'b' }, { host: 'a' }] },
  ];
  expect(differences(expected, actual, comparisonFor('plan_next', false))).toEqual([]);
  expect(differences(expected, actual, comparisonFor('plan_next', true))).toHaveLength(2);
  expect(differences(expected, { actions: [{ host: 'a' }] }, comparisonFor('plan_next', false))).toHaveLength(
    1,
  );
  expect(differences(expected, actual, comparisonFor('gate', false))).toHaveLength(2);
});
