/**
 * Orders two strings by code point (planner.md §2.4): negative, zero or positive.
 *
 * JavaScript's own order is by UTF-16 unit, which puts a character outside the basic plane before U+E000–U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

/** A copy of `items`, ascending by code point of the given name. */
export function sortedByCodePoint<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  // Without surrogates JavaScript's own comparison gives the same order, several times faster.
  const compare = items.some((item) => SURROGATE.test(nameOf(item))) ? compareCodePoints : compareUnits;
  return items.toSorted((a, b) => compare(nameOf(a), nameOf(b)));
}

const SURROGATE = /[\ud800-\udfff]/;

function compareUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// A surrogate stands for a code point above every unit that is none.
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
