import { describe, expect, it } from 'vitest';
import { sameJson } from '../../../src/kube/same-json.ts';

describe('two JSON values', () => {
  it.each<[string, unknown, unknown]>([
    ['texts', 'a', 'a'],
    ['nothing', null, null],
    ['members in another order', { a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }],
    ['empty lists', [], []],
    ['members that are undefined in both', { a: undefined }, { a: undefined }],
  ])('are the same: %s', (_, a, b) => {
    expect(sameJson(a, b)).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['numbers', 1, 2],
    ['a number and its text', 1, '1'],
    ['nothing and an object', null, {}],
    ['a list and an object', [], {}],
    ['a list and an object with its members', ['a'], { 0: 'a' }],
    ['a longer list', ['a'], ['a', 'b']],
    ['an item', ['a', 'b'], ['a', 'c']],
    ['a deep member', { a: { b: { c: 1 } } }, { a: { b: { c: 2 } } }],
    ['one member more', { a: 1 }, { a: 1, b: 1 }],
    ['other names', { a: undefined }, { b: undefined }],
    ['a name that every object inherits', { toString: undefined }, { a: undefined }],
  ])('are not the same: %s', (_, a, b) => {
    expect(sameJson(a, b)).toBe(false);
    expect(sameJson(b, a)).toBe(false);
  });

  it('are not looked into where they are one', () => {
    const shared = {
      get a(): never {
        throw new Error('looked at');
      },
    };
    expect(sameJson({ shared }, { shared })).toBe(true);
  });
});
