/** When silence makes a host offline (architecture.md D7). */
import type { Host } from '../../api/kinds/host.ts';
import { millisBetween, parseTimestamp, type Timestamp } from '../../api/time.ts';

/** What silence is judged by. */
export interface SilenceRules {
  readonly now: Timestamp;
  /** `spec.offline.after` of the Fleet, in milliseconds. */
  readonly offlineAfterMs: number;
  /** How long this process has led, in milliseconds: a leader that has just come knows nobody's silence. */
  readonly ledForMs: number;
}

/** The leader's verdict on a host's silence. */
export interface SilenceVerdict {
  readonly offline: boolean;
  /** Whether the host is silent for too long, but the leader has not led for long enough to say so. */
  readonly unjudged: boolean;
  /** When to look again if nothing is heard, in milliseconds; absent for an offline host. */
  readonly lookAgainInMs?: number;
}

/**
 * Judges a host's silence, counted from its last heartbeat, or from the object's creation where there was none. A host
 * that was heard is online at once; a verdict of an earlier leader stands until then.
 */
export function judgeSilence(host: Host, rules: SilenceRules): SilenceVerdict {
  const { offlineAfterMs, ledForMs } = rules;
  const silentForMs = millisBetween(lastSign(host, rules.now), rules.now);
  if (silentForMs <= offlineAfterMs) {
    const lookAgainInMs = Math.max(offlineAfterMs - silentForMs, offlineAfterMs - ledForMs, 0) + 1;
    return { offline: false, unjudged: false, lookAgainInMs };
  }
  if (host.status?.offline === true || ledForMs >= offlineAfterMs) return { offline: true, unjudged: false };
  return { offline: false, unjudged: true, lookAgainInMs: offlineAfterMs - ledForMs + 1 };
}

function lastSign({ status, metadata }: Host, now: Timestamp): Timestamp {
  const created = metadata.creationTimestamp;
  return status?.lastSeenTime ?? (created === undefined ? undefined : parseTimestamp(created)) ?? now;
}
