import { InvalidArgumentError } from 'commander';
import { parseTimestamp, type Timestamp } from '../api/time.ts';
import { parseDuration } from '../core/duration.ts';

const LONGEST_HOURS = 24 * 366;

/** A duration in Kubernetes' spelling, as whole seconds. */
export function secondsOption(text: string): number {
  const millis = parseDuration(text);
  if (millis === undefined) throw new InvalidArgumentError('Give a duration such as 720h or 90m.');
  return Math.trunc(millis / 1000);
}

/** A point in time with an offset. */
export function timeOption(text: string): Timestamp {
  const time = parseTimestamp(text);
  if (time === undefined) throw new InvalidArgumentError('Give a time such as 2026-05-16T01:00:00Z.');
  return time;
}

/** A number of hours, fractions allowed, up to a year. */
export function hoursOption(text: string): number {
  const hours = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (hours <= 0 || hours > LONGEST_HOURS)
    throw new InvalidArgumentError(`Give a number of hours above 0 and up to ${LONGEST_HOURS}.`);
  return hours;
}
