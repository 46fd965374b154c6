/** How far a host's clock is off, as its heartbeats show it (agent-protocol.md §1.3, `at`). */
import { wholeSecondsBetween, type Timestamp } from '../../api/time.ts';

/** Agents refuse what was signed more than a minute ahead of their own clock (agent-protocol.md §2.2). */
const WRONG_SECONDS = 60;
/** A clock that was wrong is right again below this: one at the limit does not change its verdict all the time. */
const RIGHT_SECONDS = 30;
/** What the object takes; nobody cares about more. */
const MAX_SECONDS = 1_000_000_000;

/**
 * Seconds by which a host that says `said` at our `now` is ahead, negative where it is behind; undefined where its clock
 * is right. `before` is what was found the last time.
 */
export function clockSkew(said: Timestamp, now: Timestamp, before: number | undefined): number | undefined {
  const seconds = wholeSecondsBetween(now, said);
  const limit = before === undefined ? WRONG_SECONDS : RIGHT_SECONDS;
  if (Math.abs(seconds) <= limit) return undefined;
  return Math.max(-MAX_SECONDS, Math.min(MAX_SECONDS, seconds));
}

/** Whether two findings differ in more than a number: right, ahead, or behind. */
export function clockVerdictDiffers(before: number | undefined, after: number | undefined): boolean {
  return Math.sign(before ?? 0) !== Math.sign(after ?? 0);
}
