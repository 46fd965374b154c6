/**
 * Timestamps as the wire, the signed artifacts and the objects carry them (state-machine.md §1.1, planner.md §2.2).
 *
 * A `Timestamp` is always the normal form: UTC, `Z`, and a fraction of 0, 3, 6 or 9 digits, the fewest that lose
 * nothing. `Date` keeps milliseconds only, and agents send nanoseconds, so the text itself is the value.
 */
export type Timestamp = string & { readonly __brand: 'Timestamp' };

const NORMAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{3}|\d{6}|\d{9}))?Z$/;
const LENIENT =
  /^\s*(\d{4})\s*-\s*(\d{1,2})\s*-\s*(\d{1,2})(?:\s*[Tt]\s*|\s+)(\d{1,2})\s*:\s*(\d{1,2})\s*:\s*(\d{1,2})(?:\.(\d+))?\s*(?:([Zz]|[Uu][Tt][Cc])|([+-])(\d\d)[:\s]*(\d\d))\s*$/;

const NANOS_PER_MILLI = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

const FIRST = '0000-01-01T00:00:00Z' as Timestamp;
const LAST = '9999-12-31T23:59:59.999999999Z' as Timestamp;
const FIRST_NANOS = epochNanos(FIRST);
const LAST_NANOS = epochNanos(LAST);

/**
 * Reads a timestamp as leniently as the original does and returns its normal form, or undefined where the text is no
 * point in time (no offset, bare date, impossible date, comma fraction; planner.md §2.2).
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = LENIENT.exec(text);
  if (match === null) return undefined;
  const [, y, mo, d, h, mi, s, fraction = '', zulu, sign, offsetHours = '0', offsetMinutes = '0'] = match;
  const [year, month, day, hour, minute, second] = [y, mo, d, h, mi, s].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  let offset = 0;
  if (zulu === undefined) {
    if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
    offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -1 : 1);
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offset, 0, 0);
  const shifted = date.getUTCFullYear();
  if (shifted < 0 || shifted > 9999) return undefined;
  // The second is printed from the input, so that a leap second survives the shift.
  const minutePart = date.toISOString().slice(0, 17);
  return `${minutePart}${String(second).padStart(2, '0')}${shortestFraction(fraction)}Z` as Timestamp;
}

/** Whether the text is already a timestamp in normal form. */
export function isTimestamp(text: string): text is Timestamp {
  const match = NORMAL.exec(text);
  return (
    match !== null &&
    shortestFraction(match[1] ?? '') === (match[1] === undefined ? '' : `.${match[1]}`) &&
    parseTimestamp(text) === text
  );
}

/** Orders two points in time at nanosecond precision: negative, zero or positive. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  if (a === b) return 0;
  const secondsA = a.slice(0, 19);
  const secondsB = b.slice(0, 19);
  if (secondsA !== secondsB) return secondsA < secondsB ? -1 : 1;
  // `.` sorts before `Z`, so fractions are compared without the suffix.
  const fractionA = a.slice(19, -1);
  const fractionB = b.slice(19, -1);
  if (fractionA === fractionB) return 0;
  return fractionA < fractionB ? -1 : 1;
}

/** The later of two points in time. */
export function laterOf(a: Timestamp, b: Timestamp): Timestamp {
  return compareTimestamps(a, b) >= 0 ? a : b;
}

/** Nanoseconds since the epoch. */
export function epochNanos(time: Timestamp): bigint {
  const seconds = BigInt(epochMillisOfSecond(time)) * NANOS_PER_MILLI;
  const fraction = time.slice(20, -1);
  return fraction === '' ? seconds : seconds + BigInt(fraction.padEnd(9, '0'));
}

/** Milliseconds since the epoch, rounded down. */
export function epochMillis(time: Timestamp): number {
  return epochMillisOfSecond(time) + Number(time.slice(20, 23) === '' ? 0 : time.slice(20, -1).slice(0, 3));
}

/** The timestamp of a number of milliseconds since the epoch. */
export function timestampFromMillis(millis: number): Timestamp {
  const iso = new Date(millis).toISOString();
  return (iso.endsWith('.000Z') ? `${iso.slice(0, 19)}Z` : iso) as Timestamp;
}

/**
 * `time` moved by a number of milliseconds; digits finer than that are kept. It stops at the first and the last time
 * that can be written, because signed documents may ask for four billion minutes.
 */
export function addMillis(time: Timestamp, millis: number): Timestamp {
  const nanos = epochNanos(time) + BigInt(Math.trunc(millis)) * NANOS_PER_MILLI;
  if (nanos < FIRST_NANOS) return FIRST;
  if (nanos > LAST_NANOS) return LAST;
  let seconds = nanos / NANOS_PER_SECOND;
  let rest = nanos % NANOS_PER_SECOND;
  if (rest < 0n) {
    rest += NANOS_PER_SECOND;
    seconds -= 1n;
  }
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${base}${shortestFraction(String(rest).padStart(9, '0'))}Z` as Timestamp;
}

/** Milliseconds from `from` to `to` (negative where `to` is earlier), rounded toward zero. */
export function millisBetween(from: Timestamp, to: Timestamp): number {
  return Number((epochNanos(to) - epochNanos(from)) / NANOS_PER_MILLI);
}

/** Whole seconds from `from` to `to`, truncated toward zero. */
export function wholeSecondsBetween(from: Timestamp, to: Timestamp): number {
  return Number((epochNanos(to) - epochNanos(from)) / NANOS_PER_SECOND);
}

function epochMillisOfSecond(time: Timestamp): number {
  const minute = Date.parse(`${time.slice(0, 17)}00Z`);
  return minute + Number(time.slice(17, 19)) * 1000;
}

function daysInMonth(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}

function shortestFraction(digits: string): string {
  const nanos = digits.slice(0, 9).padEnd(9, '0');
  if (nanos === '000000000') return '';
  if (nanos.endsWith('000000')) return `.${nanos.slice(0, 3)}`;
  if (nanos.endsWith('000')) return `.${nanos.slice(0, 6)}`;
  return `.${nanos}`;
}
