import { timestampFromMillis, type Timestamp } from '../api/time.ts';

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** The only source of time outside core: nothing else may touch `Date`, `performance` or timers. */
export interface Clock {
  /** Wall-clock time, for what is written into objects. It can jump. */
  now(): Timestamp;
  /** Milliseconds of a clock that never jumps, for expiry and durations. */
  monotonicMillis(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms` (a longer delay than a timer can hold is served in steps). */
  setTimer(ms: number, fn: () => void): Timer;
}

/** A longer delay makes `setTimeout` fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => timestampFromMillis(Date.now()),
  monotonicMillis: () => performance.now(),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
  setTimer: setSystemTimer,
};

/** `sleep` in terms of `setTimer`; for implementations of `Clock`. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(abortReason(signal));
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The reason of an aborted signal as an `Error`. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('aborted', 'AbortError');
}

function setSystemTimer(ms: number, fn: () => void): Timer {
  let remaining = Math.max(0, ms);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const step = Math.min(remaining, LONGEST_TIMEOUT);
    remaining -= step;
    handle = setTimeout(() => (remaining > 0 ? arm() : fn()), step);
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}
