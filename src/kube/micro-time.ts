import type { Timestamp } from '../api/time.ts';

/** The time with exactly six digits of fraction, which is the only form the API server takes for a MicroTime. */
export function microTime(time: Timestamp): string {
  const [seconds = '', fraction = ''] = time.slice(0, -1).split('.');
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
