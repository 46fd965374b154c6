import type { Clock } from '../../kube/clock.ts';

/** Runs `work` again and again, each time after the pause in milliseconds that it returns, until the signal aborts. */
export async function repeat(clock: Clock, signal: AbortSignal, work: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    const pause = await work();
    if (pause > 0 && !signal.aborted) await clock.sleep(pause, signal).catch(() => undefined);
  }
}
