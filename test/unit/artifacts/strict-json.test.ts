import { describe, expect, test } from 'vitest';
import { readJson, readJsonBytes } from '../../../src/core/artifacts/strict-json.ts';

const arrays = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => '{"a":'.repeat(depth) + '0' + '}'.repeat(depth);

describe('what JSON.parse lets through is refused', () => {
  test.each([
    ['a number beyond the doubles', '1e400'],
    ['a negative number beyond the doubles', '[-1e400]'],
    ['a number beyond the doubles without an exponent', '1'.repeat(400)],
    ['a number beyond the doubles in a member that a later one replaces', '{"a":1e400,"a":1}'],
    ['a number beyond the doubles that begins with 9', '9e999'],
    ['a number beyond the doubles after a pair', String.raw`["\ud83d\ude00",1e999]`],
    ['a second half after another escape and four letters', String.raw`"\nabcd\udc00"`],
    ['half a surrogate pair', String.raw`"\ud800"`],
    ['the other half', String.raw`"\udc00x"`],
    ['two first halves', String.raw`"\ud83d\ud83d"`],
    ['two first halves and a second one', String.raw`"\ud83d\ud83d\ude00"`],
    ['half a pair before an escaped backslash', String.raw`"\ud83d\\udc00"`],
    ['half a pair in a name', String.raw`{"\uD800":1}`],
    ['half a pair behind a number and a comma', String.raw`[1,"\ud800"]`],
    ['half a pair in a member that a later one replaces', String.raw`{"a":"\ud800","a":1}`],
    ['half a pair that is not even escaped', '"\ud800"'],
    ['128 arrays', arrays(128)],
    ['128 objects', objects(128)],
    ['64 arrays around 64 objects', '['.repeat(64) + objects(64) + ']'.repeat(64)],
    ['a byte-order mark', '\uFEFF{}'],
  ])('%s', (_, text) => {
    expect(readJson(text)).toMatchObject({ ok: false });
  });

  test('a million open brackets, without overflowing the stack', () => {
    expect(readJson('['.repeat(1_000_000))).toEqual({
      ok: false,
      message: 'arrays and objects are nested more than 127 deep',
    });
  });
});

describe('what only looks dangerous is read', () => {
  test.each([
    ['127 arrays', arrays(127), JSON.parse(arrays(127))],
    ['127 objects', objects(127), JSON.parse(objects(127))],
    [
      'siblings do not add to the depth',
      `[${Array(200).fill('[]').join(',')}]`,
      Array.from({ length: 200 }, () => []),
    ],
    ['brackets in a string', JSON.stringify('['.repeat(500)), '['.repeat(500)],
    ['the largest double', '1.7976931348623157e308', Number.MAX_VALUE],
    ['a number that rounds to zero', '1e-400', 0],
    ['zero with a large exponent', '0e400', 0],
    ['a small number with an exponent that alone would be too large', '0.1e309', 1e308],
    ['the text of a large number', '"1e400"', '1e400'],
    ['a pair', String.raw`"\ud83d\ude00"`, '😀'],
    ['a pair in capitals', String.raw`"\uD83D\uDE00"`, '😀'],
    ['an escaped backslash before what is then no escape', String.raw`"\\ud800"`, String.raw`\ud800`],
    ['a quote after an escaped backslash', String.raw`["\\",1]`, ['\\', 1]],
    ['line separators', '"\u2028\u2029"', '\u2028\u2029'],
  ])('%s', (_, text, value) => {
    expect(readJson(text)).toEqual({ ok: true, value });
  });

  test('of members that occur twice, spelled differently, the last one wins whole', () => {
    expect(readJson(String.raw`{"a":{"x":1},"\u0061":{"y":2}}`)).toEqual({
      ok: true,
      value: { a: { y: 2 } },
    });
  });

  test('a member called __proto__ is a member', () => {
    const reading = readJson('{"__proto__":{"polluted":true}}');
    const value = reading.ok ? reading.value : null;
    expect(Object.entries(value ?? {})).toEqual([['__proto__', { polluted: true }]]);
    expect(value).not.toHaveProperty('polluted');
  });
});

test('a refusal says what is wrong', () => {
  const messageOf = (text: string): string => {
    const reading = readJson(text);
    return reading.ok ? 'none' : reading.message;
  };
  expect(messageOf('1e400')).toBe('a number does not fit a double');
  expect(messageOf(String.raw`"\ud800"`)).toBe('a \\u escape leaves half a surrogate pair');
  expect(messageOf('{"a":-}')).toMatch(/JSON/);
  expect(readJsonBytes(Uint8Array.of(0xff))).toEqual({ ok: false, message: 'the bytes are not UTF-8' });
});

describe('bytes', () => {
  test.each([
    ['a stray byte', [0x22, 0xff, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte-order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['nothing', []],
  ])('%s is refused', (_, bytes) => {
    expect(readJsonBytes(Uint8Array.from(bytes)).ok).toBe(false);
  });
});
