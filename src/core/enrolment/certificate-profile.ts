import {
  addMillis,
  compareTimestamps,
  epochMillis,
  timestampFromMillis,
  type Timestamp,
} from '../../api/time.ts';

/** What an issued certificate says beside its key (agent-protocol.md §2.3). */
export interface CertificateProfile {
  /** Common name and only DNS name. */
  readonly commonName: string;
  /** A whole second. */
  readonly notBefore: Timestamp;
  /** A whole second. */
  readonly notAfter: Timestamp;
}

/** The shortest life of a certificate, in milliseconds. */
const MIN_LIFETIME_MS = 60_000;
const SECOND_MS = 1000;

/** The canonical common name of a host's certificate. */
export function agentCommonName(machineId: string, suffix: string): string {
  return `agent-${machineId}.${suffix}`;
}

/**
 * The profile of a certificate that is issued now. It lives `lifetimeMs`, at least a minute, but never longer than its
 * authority, because nobody would accept it then.
 */
export function certificateProfile(options: {
  readonly machineId: string;
  readonly suffix: string;
  readonly now: Timestamp;
  readonly lifetimeMs: number;
  readonly authorityNotAfter: Timestamp;
}): CertificateProfile {
  const { machineId, suffix, now, lifetimeMs, authorityNotAfter } = options;
  const notBefore = wholeSecond(now);
  const wanted = wholeSecond(addMillis(notBefore, Math.max(MIN_LIFETIME_MS, lifetimeMs)));
  return {
    commonName: agentCommonName(machineId, suffix),
    notBefore,
    notAfter: compareTimestamps(wanted, authorityNotAfter) > 0 ? authorityNotAfter : wanted,
  };
}

function wholeSecond(time: Timestamp): Timestamp {
  return timestampFromMillis(Math.floor(epochMillis(time) / SECOND_MS) * SECOND_MS);
}
