import type { Host, HostStatus } from '../api/kinds/host.ts';
import { compareTimestamps, millisBetween, type Timestamp } from '../api/time.ts';
import { clockSkew, clockVerdictDiffers } from '../core/host/clock-skew.ts';

/** The certificate that a host presented. */
export interface CertificateFacts {
  readonly notBefore: Timestamp;
  readonly notAfter: Timestamp;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
}

/** What one heartbeat says about a host. */
export interface HostReport {
  /** Absent where the host cannot say what it runs. */
  readonly closure: string | undefined;
  readonly certificate: CertificateFacts;
  /** The host's clock. */
  readonly at: Timestamp;
}

/** What decides how often an unchanged host is written. */
export interface FactsContext {
  /** The operator's clock. */
  readonly now: Timestamp;
  /** Milliseconds; `lastSeenTime` is refreshed every third of it, 10 % more or less. */
  readonly offlineAfterMs: number;
  /** Two reports of one closure this far apart, in milliseconds, settle a new host (D22). */
  readonly settleMinGapMs: number;
  /** In [0, 1): spreads the refreshes. */
  readonly jitter: number;
}

/** What the object takes of a closure; a longer name is no store path. */
const CLOSURE_MAX = 512;

/** Whether a host has named a closure that an object can hold. */
export function isStorableClosure(closure: string | undefined): closure is string {
  return closure !== undefined && closure.length <= CLOSURE_MAX;
}

/**
 * The status of a Host after a heartbeat, or undefined where nothing is worth a write (architecture.md §1, Events 6).
 * A changed closure or certificate, the first report, the settling and a clock that goes wrong or right are written at
 * once.
 */
export function decideHostFacts(
  host: Host,
  report: HostReport,
  context: FactsContext,
): HostStatus | undefined {
  const { now } = context;
  const { clockSkewSeconds: before, ...status } = host.status ?? {};
  const skew = clockSkew(report.at, now, before);
  const facts: Partial<HostStatus> = {
    ...closureFacts(status, report.closure, context),
    ...(status.firstSeenTime === undefined && { firstSeenTime: now }),
    ...(isNewer(status.certificate, report.certificate) && { certificate: report.certificate }),
  };
  const news = Object.keys(facts).length > 0 || clockVerdictDiffers(before, skew);
  if (!news && !refreshIsDue(status.lastSeenTime, context)) return undefined;
  return { ...status, ...facts, ...(skew !== undefined && { clockSkewSeconds: skew }), lastSeenTime: now };
}

function closureFacts(
  status: HostStatus,
  closure: string | undefined,
  context: FactsContext,
): Partial<HostStatus> {
  if (!isStorableClosure(closure)) return {};
  const { now, settleMinGapMs } = context;
  if (closure !== status.closure) return { closure, closureSince: now };
  if (status.closureSince === undefined) return { closureSince: now };
  const settles =
    status.settledTime === undefined && millisBetween(status.closureSince, now) >= settleMinGapMs;
  return settles ? { settledTime: now } : {};
}

/** A host may use its old certificate on one connection and its new one on another; only the newer one counts. */
function isNewer(known: CertificateFacts | undefined, presented: CertificateFacts): boolean {
  if (known === undefined) return true;
  if (known.fingerprint === presented.fingerprint) return false;
  return compareTimestamps(presented.notBefore, known.notBefore) >= 0;
}

function refreshIsDue(
  lastSeen: Timestamp | undefined,
  { now, offlineAfterMs, jitter }: FactsContext,
): boolean {
  if (lastSeen === undefined) return true;
  const interval = (offlineAfterMs / 3) * (0.9 + 0.2 * jitter);
  // A time in the future is another replica's clock; it is worth no write either.
  return Math.abs(millisBetween(lastSeen, now)) >= interval;
}
