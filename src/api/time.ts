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
/** Of a timestamp without a fraction, and of one with three digits. */
const SECONDS_LENGTH = 20;
const MILLIS_LENGTH = 24;
const MILLIS_OF_400_YEARS = 146_097 * 86_400_000;

const FIRST = '0000-01-01T00:00:00Z' as Timestamp;
const LAST = '9999-12-31T23:59:59.999999999Z' as Timestamp;
const FIRST_MILLIS = epochMillis(FIRST);
const LAST_MILLIS = epochMillis(LAST);

/**
 * Reads a timestamp as leniently as the original does and returns its normal form, or undefined where the text is no
 * point in time (no offset, bare date, impossible date, comma fraction; planner.md §2.2).
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  return isPlainlyNormal(text) ? text : parseLeniently(text);
}

/** Whether a text surely is a normal form: what nearly everybody sends, told at a tenth of the cost. */
function isPlainlyNormal(text: string): text is Timestamp {
  if (!NORMAL.test(text)) return false;
  const fraction = text.slice(SECONDS_LENGTH, -1);
  if (fraction !== '' && fraction.endsWith('000')) return false;
  const [month, day] = [numberIn(text, 5, 7), numberIn(text, 8, 10)];
  // The last days of a month, and leap seconds, are looked at closely.
  if (month < 1 || month > 12 || day < 1 || day > 28) return false;
  return numberIn(text, 11, 13) < 24 && numberIn(text, 14, 16) < 60 && numberIn(text, 17, 19) < 60;
}

function parseLeniently(text: string): Timestamp | undefined {
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
  if (a.length === b.length) return a < b ? -1 : 1;
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
  return BigInt(epochMillis(time)) * NANOS_PER_MILLI + BigInt(nanosOfMilli(time));
}

/** Milliseconds since the epoch, rounded down. */
export function epochMillis(time: Timestamp): number {
  const millis = time.length > SECONDS_LENGTH ? numberIn(time, 20, 23) : 0;
  return epochMillisOfSecond(time) + millis;
}

/** The timestamp of a number of milliseconds since the epoch. Throws where it cannot be written, as `toISOString` does. */
export function timestampFromMillis(millis: number): Timestamp {
  const whole = Math.trunc(millis);
  const milli = milliOf(whole);
  return (milli === '000' ? `${secondOf(whole)}Z` : `${secondOf(whole)}.${milli}Z`) as Timestamp;
}

/** The last minute that was printed. Times that are asked for lie close together, and printing a date is dear. */
let printed = { minute: Number.NaN, text: '' };
const SECONDS = Array.from({ length: 60 }, (_, second) => String(100 + second).slice(1));

/** A point in time up to its second, as it is written. */
function secondOf(millis: number): string {
  const minute = Math.floor(millis / 60_000);
  if (minute !== printed.minute) printed = { minute, text: new Date(millis).toISOString().slice(0, -7) };
  return `${printed.text}${SECONDS[Math.floor((millis - minute * 60_000) / 1000)] ?? ''}`;
}

/** The milliseconds within its second, as they are written. */
function milliOf(millis: number): string {
  return String(1000 + millis - Math.floor(millis / 1000) * 1000).slice(1);
}

/**
 * `time` moved by a number of milliseconds; digits finer than that are kept. It stops at the first and the last time
 * that can be written, because signed documents may ask for four billion minutes.
 */
export function addMillis(time: Timestamp, millis: number): Timestamp {
  const moved = epochMillis(time) + Math.trunc(millis);
  if (moved < FIRST_MILLIS) return FIRST;
  if (moved > LAST_MILLIS) return LAST;
  const finer = time.slice(23, -1);
  if (finer === '') return timestampFromMillis(moved);
  return `${secondOf(moved)}.${milliOf(moved)}${finer}Z` as Timestamp;
}

/** Milliseconds from `from` to `to` (negative where `to` is earlier), rounded toward zero. */
export function millisBetween(from: Timestamp, to: Timestamp): number {
  const millis = epochMillis(to) - epochMillis(from);
  const nanos = nanosOfMilli(to) - nanosOfMilli(from);
  if (millis > 0 && nanos < 0) return millis - 1;
  return millis < 0 && nanos > 0 ? millis + 1 : millis;
}

/** Whole seconds from `from` to `to`, truncated toward zero. */
export function wholeSecondsBetween(from: Timestamp, to: Timestamp): number {
  const seconds = Math.trunc(millisBetween(from, to) / 1000);
  return seconds === 0 ? 0 : seconds; // never -0
}

/** The part of a timestamp that milliseconds cannot hold. */
function nanosOfMilli(time: Timestamp): number {
  return time.length > MILLIS_LENGTH ? Number(time.slice(23, -1).padEnd(6, '0')) : 0;
}

function epochMillisOfSecond(time: Timestamp): number {
  const year = numberIn(time, 0, 4);
  // `Date.UTC` takes years below 100 for those of the last century.
  const century = year < 100 ? 400 : 0;
  const millis = Date.UTC(
    year + century,
    numberIn(time, 5, 7) - 1,
    numberIn(time, 8, 10),
    numberIn(time, 11, 13),
    numberIn(time, 14, 16),
    numberIn(time, 17, 19),
  );
  return century === 0 ? millis : millis - MILLIS_OF_400_YEARS;
}

/** The number that stands from `from` to before `to`. */
function numberIn(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) number = number * 10 + text.charCodeAt(at) - 48;
  return number;
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
