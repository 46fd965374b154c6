import { assert, jsonValue, pre, property } from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalize, canonicalizeValue } from '../../../src/core/artifacts/canonical-json.ts';

function canonical(text: string): string {
  const document = canonicalize(text);
  if (!document.ok) throw new Error(document.message);
  return document.canonical;
}

test.each([
  ['names in the order of UTF-16 units, not of code points', '{"￿":1,"𐀀":2}', '{"𐀀":2,"￿":1}'],
  ['numeric names as names', '{"10":1,"9":2,"1":3}', '{"1":3,"10":1,"9":2}'],
  ['__proto__ as a name', '{"b":1,"__proto__":{"z":1,"a":2}}', '{"__proto__":{"a":2,"z":1},"b":1}'],
  ['toJSON as a name', '{"toJSON":1}', '{"toJSON":1}'],
  [
    'numbers as doubles',
    '[-0,9007199254740993,18446744073709551615,1e21,1.0]',
    '[0,9007199254740992,18446744073709552000,1e+21,1]',
  ],
  [
    'only the escapes that are needed',
    String.raw`"\u007f\u2028\/\u001F\b\u0022"`,
    '"\u007f\u2028/\\u001f\\b\\""',
  ],
])('%s', (_, text, expected) => {
  expect(canonical(text)).toBe(expected);
});

test('the canonical form of a canonical form is itself, and stands for the same value', () => {
  assert(
    property(jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      pre(text.isWellFormed() && canonicalize(text).ok);
      const once = canonical(text);
      expect(canonical(once)).toBe(once);
      expect(JSON.parse(once)).toEqual(JSON.parse(text));
      expect(canonicalizeValue(value)).toBe(once);
    }),
  );
});

test('a value without a JSON form is refused rather than signed', () => {
  expect(() => canonicalizeValue({ a: Number.NaN })).toThrow();
  expect(() => canonicalizeValue(undefined)).toThrow(new TypeError('the value has no JSON form'));
  expect(() => canonicalizeValue('\ud800')).toThrow();
});
