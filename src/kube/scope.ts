import type { Clock } from './clock.ts';

/** A signal of limited life; `end` must be called on every way out, so that no timer or listener stays behind. */
export interface Scope {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  end(): void;
}

/** A scope that aborts with its parent. (`AbortSignal.any` keeps dead signals alive on long-lived parents.) */
export function openScope(parent: AbortSignal | undefined): Scope {
  const controller = new AbortController();
  const onParent = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) onParent();
  else parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    end: () => parent?.removeEventListener('abort', onParent),
  };
}

/** A scope that also aborts after `ms` with the error that `onTimeout` makes. */
export function openTimedScope(
  clock: Clock,
  parent: AbortSignal | undefined,
  ms: number,
  onTimeout: () => Error,
): Scope {
  const scope = openScope(parent);
  const timer = clock.setTimer(ms, () => scope.abort(onTimeout()));
  return {
    ...scope,
    end: () => {
      timer.cancel();
      scope.end();
    },
  };
}
