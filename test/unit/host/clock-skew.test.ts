import { describe, expect, it } from 'vitest';
import { addMillis, type Timestamp } from '../../../src/api/time.ts';
import { clockSkew, clockVerdictDiffers } from '../../../src/core/host/clock-skew.ts';
import { at } from './support.ts';

const seconds = (count: number): Timestamp => addMillis(at(0), count * 1000);

describe('the clock of a host', () => {
  it.each<[string, number, number | undefined, number | undefined]>([
    ['is right within a minute', 60, undefined, undefined],
    ['is right within a minute behind', -60, undefined, undefined],
    ['is ahead beyond a minute', 61, undefined, 61],
    ['is behind beyond a minute', -61, undefined, -61],
    ['stays wrong until it is off by half a minute only', 31, 61, 31],
    ['is right again at half a minute', 30, 61, undefined],
    ['is off by no more than its object can say', 2_000_000_000, undefined, 1_000_000_000],
    ['is behind by no more than its object can say', -1_700_000_000, -61, -1_000_000_000],
  ])('%s', (_, off, before, skew) => {
    expect(clockSkew(seconds(off), at(0), before)).toBe(skew);
  });

  it.each<[number | undefined, number | undefined, boolean]>([
    [undefined, undefined, false],
    [61, 3_600, false],
    [-61, -3_600, false],
    [undefined, 61, true],
    [61, undefined, true],
    [61, -61, true],
  ])('is judged anew from %j to %j only where the direction differs', (before, after, differs) => {
    expect(clockVerdictDiffers(before, after)).toBe(differs);
  });
});
