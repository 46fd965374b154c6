import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMillis,
  compareTimestamps,
  epochMillis,
  epochNanos,
  isTimestamp,
  laterOf,
  millisBetween,
  parseTimestamp,
  timestampFromMillis,
  wholeSecondsBetween,
  type Timestamp,
} from '../../../src/api/time.ts';

const time = (text: string): Timestamp => text as Timestamp;

const SECONDS_0000 = Date.parse('0000-01-01T00:00:00Z') / 1000;
const SECONDS_9999 = Date.parse('9999-12-31T23:59:59Z') / 1000;

/** Any normal form, printed by hand: whole second, then the shortest fraction. */
const timestamps = fc
  .tuple(
    fc.integer({ min: SECONDS_0000, max: SECONDS_9999 }),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 999_999_999 })),
  )
  .map(([seconds, nanos]) => {
    const digits = String(nanos)
      .padStart(9, '0')
      .replace(/(000)+$/, '');
    return time(`${new Date(seconds * 1000).toISOString().slice(0, 19)}${digits && `.${digits}`}Z`);
  });

describe('a timestamp', () => {
  it('is ordered as its nanoseconds since the epoch are', () => {
    fc.assert(
      fc.property(timestamps, timestamps, (a, b) => {
        const difference = epochNanos(a) - epochNanos(b);
        expect(Math.sign(compareTimestamps(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
        expect(laterOf(a, b)).toBe(difference >= 0n ? a : b);
      }),
    );
  });

  it('is ordered by its fraction within one second, and equals itself', () => {
    const ascending = [
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00.000000001Z',
      '2026-01-01T00:00:00.120Z',
      '2026-01-01T00:00:00.120001Z',
      '2026-01-01T00:00:00.999999999Z',
      '2026-01-01T00:00:01Z',
    ].map(time);
    for (const [i, a] of ascending.entries())
      for (const [j, b] of ascending.entries())
        expect(compareTimestamps(a, b), `${a} against ${b}`).toBe(Math.sign(i - j));
  });

  it('reads back what it prints, and knows that it is in normal form', () => {
    fc.assert(
      fc.property(timestamps, (a) => {
        expect(parseTimestamp(a)).toBe(a);
        expect(isTimestamp(a)).toBe(true);
      }),
    );
  });

  it('counts milliseconds as Date does, rounded down before and after the epoch', () => {
    fc.assert(
      fc.property(timestamps, (a) => {
        expect(BigInt(epochMillis(a))).toBe(
          (epochNanos(a) - (((epochNanos(a) % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n,
        );
        expect(epochMillis(a)).toBe(Date.parse(a.replace(/(\.\d{3})\d*Z/, '$1Z')));
      }),
    );
  });

  it('comes back from its milliseconds where it has no finer digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: SECONDS_0000 * 1000, max: SECONDS_9999 * 1000 }), (millis) => {
        const a = timestampFromMillis(millis);
        expect(isTimestamp(a)).toBe(true);
        expect(epochMillis(a)).toBe(millis);
      }),
    );
  });
});

describe('moving a timestamp', () => {
  const nearby = fc.integer({ min: -10_000_000_000, max: 10_000_000_000 });
  const midway = timestamps.filter((a) => a > '1000' && a < '9000');

  it('adds milliseconds exactly, keeps finer digits, and can be undone', () => {
    fc.assert(
      fc.property(midway, nearby, (a, millis) => {
        const moved = addMillis(a, millis);
        expect(isTimestamp(moved)).toBe(true);
        expect(epochNanos(moved) - epochNanos(a)).toBe(BigInt(millis) * 1_000_000n);
        expect(millisBetween(a, moved)).toBe(millis);
        expect(addMillis(moved, -millis)).toBe(a);
      }),
    );
  });

  it('drops what is finer than a millisecond of the distance', () => {
    expect(addMillis(time('2026-01-01T00:00:00Z'), 1.9)).toBe('2026-01-01T00:00:00.001Z');
    expect(addMillis(time('2026-01-01T00:00:00Z'), -1.9)).toBe('2025-12-31T23:59:59.999Z');
  });

  it.each([
    [
      'the longest soak of a signed document',
      '2026-01-01T00:00:00Z',
      4_294_967_295 * 60_000,
      '9999-12-31T23:59:59.999999999Z',
    ],
    [
      'the longest soak that an object can hold',
      '2026-01-01T00:00:00Z',
      Number.MAX_SAFE_INTEGER * 60_000,
      '9999-12-31T23:59:59.999999999Z',
    ],
    ['one more than the last millisecond', '9999-12-31T23:59:59.999Z', 1, '9999-12-31T23:59:59.999999999Z'],
    ['the last nanosecond', '9999-12-31T23:59:59.998999999Z', 1, '9999-12-31T23:59:59.999999999Z'],
    ['less than the first time', '0000-01-01T00:00:00.001Z', -2, '0000-01-01T00:00:00Z'],
    ['the first time', '0000-01-01T00:00:00.001Z', -1, '0000-01-01T00:00:00Z'],
  ])('stays a timestamp at the ends of time: %s', (_, from, millis, end) => {
    expect(addMillis(time(from), millis)).toBe(end);
    expect(isTimestamp(addMillis(time(from), millis))).toBe(true);
  });

  it('measures distances toward zero in both directions', () => {
    const early = time('2026-01-01T00:00:00.0005Z'.replace('.0005', '.000500'));
    const late = time('2026-01-01T00:00:02Z');
    expect(millisBetween(early, late)).toBe(1999);
    expect(millisBetween(late, early)).toBe(-1999);
    expect(wholeSecondsBetween(early, late)).toBe(1);
    expect(wholeSecondsBetween(late, early)).toBe(-1);
    expect(wholeSecondsBetween(time('2026-01-01T00:00:00Z'), late)).toBe(2);
  });
});

describe('reading a timestamp leniently', () => {
  it.each([
    ['the normal form', '2026-05-16T01:02:03Z', '2026-05-16T01:02:03Z'],
    ['a lower-case t and z', '2026-05-16t01:02:03z', '2026-05-16T01:02:03Z'],
    ['a space in place of T', '2026-05-16 01:02:03Z', '2026-05-16T01:02:03Z'],
    ['spaces around every part', ' 2026 - 05 - 16 T 01 : 02 : 03 Z ', '2026-05-16T01:02:03Z'],
    ['UTC by name', '2026-05-16 01:02:03 utc', '2026-05-16T01:02:03Z'],
    ['months, days and hours of one digit', '2026-5-6T1:2:3Z', '2026-05-06T01:02:03Z'],
    ['an offset eastwards, across the year', '2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00Z'],
    ['an offset westwards, across the year', '2025-12-31T23:30:00-01:00', '2026-01-01T00:30:00Z'],
    ['an offset of minutes, with a space', '2026-05-16T01:02:03 +00 30', '2026-05-16T00:32:03Z'],
    ['an offset without colon', '2026-05-16T01:02:03+0230', '2026-05-15T22:32:03Z'],
    ['the largest offset', '2026-05-16T01:02:03-23:59', '2026-05-17T01:01:03Z'],
    ['zeros at the end of the fraction', '2026-05-16T01:02:03.100000000Z', '2026-05-16T01:02:03.100Z'],
    ['a fraction of zeros', '2026-05-16T01:02:03.000Z', '2026-05-16T01:02:03Z'],
    ['one digit of a fraction', '2026-05-16T01:02:03.5Z', '2026-05-16T01:02:03.500Z'],
    ['four digits of a fraction', '2026-05-16T01:02:03.1234Z', '2026-05-16T01:02:03.123400Z'],
    ['seven digits of a fraction', '2026-05-16T01:02:03.1234567Z', '2026-05-16T01:02:03.123456700Z'],
    ['digits beyond nanoseconds, cut', '2026-05-16T01:02:03.1234567899Z', '2026-05-16T01:02:03.123456789Z'],
    ['a leap second', '2016-12-31T23:59:60Z', '2016-12-31T23:59:60Z'],
    ['a leap second with an offset', '2017-01-01T00:59:60+01:00', '2016-12-31T23:59:60Z'],
    ['a leap day', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['a leap day of a century', '2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
    ['a year of the first century', '0099-01-01T00:00:00Z', '0099-01-01T00:00:00Z'],
    ['the first time', '0000-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
    ['the last time', '9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
    ['the last hour of a day', '2026-05-16T23:59:59Z', '2026-05-16T23:59:59Z'],
    ['the last day of a long year', '2026-12-31T00:00:00Z', '2026-12-31T00:00:00Z'],
  ])('accepts %s', (_, text, normal) => {
    expect(parseTimestamp(text)).toBe(normal);
  });

  it.each([
    ['no text', ''],
    ['a bare date', '2026-05-16'],
    ['no offset', '2026-05-16T01:02:03'],
    ['no separator', '2026-05-1601:02:03Z'],
    ['no seconds', '2026-05-16T01:02Z'],
    ['a comma fraction', '2026-05-16T01:02:03,5Z'],
    ['a fraction without digits', '2026-05-16T01:02:03.Z'],
    ['month 0', '2026-00-16T01:02:03Z'],
    ['month 13', '2026-13-16T01:02:03Z'],
    ['day 0', '2026-05-00T01:02:03Z'],
    ['day 31 of a short month', '2026-04-31T01:02:03Z'],
    ['a leap day of a common year', '2026-02-29T01:02:03Z'],
    ['a leap day of a common century', '1900-02-29T01:02:03Z'],
    ['hour 24', '2026-05-16T24:00:00Z'],
    ['minute 60', '2026-05-16T01:60:00Z'],
    ['second 61', '2026-05-16T01:02:61Z'],
    ['an offset of 24 hours', '2026-05-16T01:02:03+24:00'],
    ['an offset of 60 minutes', '2026-05-16T01:02:03+00:60'],
    ['another zone by name', '2026-05-16T01:02:03 CET'],
    ['a year of five digits', '12026-05-16T01:02:03Z'],
    ['text before it', 'x2026-05-16T01:02:03Z'],
    ['text after it', '2026-05-16T01:02:03Zx'],
    ['an offset beyond the last year', '9999-12-31T23:59:59-01:00'],
    ['an offset before the first year', '0000-01-01T00:00:00+01:00'],
  ])('refuses %s', (_, text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it('has a point in time that does not depend on the offset it was written with', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: SECONDS_0000 + 90_000, max: SECONDS_9999 - 90_000 }),
        fc.integer({ min: -1439, max: 1439 }),
        (seconds, offset) => {
          const local = new Date((seconds + offset * 60) * 1000).toISOString().slice(0, 19);
          const minutes = Math.abs(offset);
          const pair = (value: number): string => String(value).padStart(2, '0');
          const text = `${local}${offset < 0 ? '-' : '+'}${pair(Math.floor(minutes / 60))}:${pair(minutes % 60)}`;
          expect(parseTimestamp(text)).toBe(timestampFromMillis(seconds * 1000));
        },
      ),
    );
  });
});

describe('the normal form', () => {
  it.each([
    '2026-05-16T01:02:03.100000Z',
    '2026-05-16T01:02:03.000Z',
    '2026-05-16T01:02:03.1Z',
    '2026-05-16t01:02:03Z',
    '2026-05-16T01:02:03+00:00',
    '2026-02-30T01:02:03Z',
    ' 2026-05-16T01:02:03Z',
    '2026-05-16T01:02:03Z\n',
  ])('is not %j', (text) => {
    expect(isTimestamp(text)).toBe(false);
  });
});
