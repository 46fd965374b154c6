import type { Clock } from './clock.ts';

/** Waits for work that never rejects, but for no longer than so many milliseconds. */
export async function withinLimit(clock: Clock, work: Promise<void>, ms: number): Promise<void> {
  const limit = new AbortController();
  const waited = clock.sleep(ms, limit.signal).catch(() => undefined);
  await Promise.race([work, waited]);
  limit.abort();
}
