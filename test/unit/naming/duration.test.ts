import { describe, expect, it } from 'vitest';
import { durationOr, parseDuration } from '../../../src/core/duration.ts';

describe('a duration', () => {
  it.each([
    ['15m', 900_000],
    ['720h', 2_592_000_000],
    ['90s', 90_000],
    ['500ms', 500],
    ['0s', 0],
    ['1h30m', 5_400_000],
    ['1h2m3s4ms', 3_723_004],
    ['1m1ms', 60_001],
    ['1ms1m', 60_001],
    ['007s', 7_000],
    ['1s1s', 2_000],
  ])('of %s is %d ms', (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each([
    '',
    '15',
    'm',
    '15d',
    '15M',
    '-15m',
    '+15m',
    '1.5h',
    '15 m',
    ' 15m',
    '15m ',
    '15m\n',
    '1h,30m',
    '15mm',
    'x15m',
    // More milliseconds than a double holds exactly.
    '9999999999999999999h',
  ])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('falls back where an object was stored before its default, or cannot be read', () => {
    expect(durationOr('2s', 5)).toBe(2_000);
    expect(durationOr('0s', 5)).toBe(0);
    expect(durationOr(undefined, 5)).toBe(5);
    expect(durationOr('soon', 5)).toBe(5);
  });
});
