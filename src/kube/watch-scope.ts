import type { Clock, Timer } from './clock.ts';
import { KubeError } from './errors.ts';
import { openTimedScope } from './scope.ts';

/** The life of one watch on the client's side. */
export interface WatchScope {
  readonly signal: AbortSignal;
  /** Tells that the server sent something. */
  touch(): void;
  end(): void;
}

/**
 * A scope that ends a watch when the server has not ended it in time, or has been silent too long: a connection whose
 * other end vanished looks just like a quiet one.
 */
export function openWatchScope(
  clock: Clock,
  parent: AbortSignal,
  limits: { readonly idleMs: number; readonly deadlineMs: number },
): WatchScope {
  const scope = openTimedScope(clock, parent, limits.deadlineMs, () => cut('Deadline'));
  let last = clock.monotonicMillis();
  let timer: Timer;
  // Lines can come by the thousand: they note the time, and one timer follows.
  const arm = (ms: number): void => {
    timer = clock.setTimer(ms, () => {
      const left = last + limits.idleMs - clock.monotonicMillis();
      if (left > 0) arm(left);
      else scope.abort(cut('Idle'));
    });
  };
  arm(limits.idleMs);
  return {
    signal: scope.signal,
    touch: () => {
      last = clock.monotonicMillis();
    },
    end: () => {
      timer.cancel();
      scope.end();
    },
  };
}

function cut(reason: string): KubeError {
  return new KubeError({ status: 0, reason, message: 'the watch was cut on this side' });
}
