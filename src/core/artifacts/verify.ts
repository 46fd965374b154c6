import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import { compareTimestamps, epochNanos, type Timestamp } from '../../api/time.ts';
import { canonicalizeBytes } from './canonical-json.ts';
import { sha256Hex } from './hash.ts';
import { checkSignature } from './keys.ts';
import { type ArtifactKind, type ArtifactPayload, readArtifact } from './read-artifact.ts';
import { rolloutIdOf } from './rollout-id.ts';
import { refusal, type VerifyFailure, type VerifyFault } from './verify-error.ts';

const SCHEMA_VERSION = 1;
const SLACK_SECONDS = 60;
const NANOS_PER_SECOND = 1_000_000_000n;

/** What a document is judged against besides the keys. */
export interface VerifyOptions {
  readonly now: Timestamp;
  /**
   * How old it may be, in seconds, 60 more being tolerated. Undefined: neither its age nor a date in the future is
   * looked at, which is for content that was verified before (architecture.md §1, content in force).
   */
  readonly freshnessWindowSeconds: number | undefined;
  /** Documents signed before are refused: the key slot's cut-off. */
  readonly rejectBefore?: Timestamp | null | undefined;
}

/** A document that may be acted upon. */
export interface Verified<Payload> {
  readonly ok: true;
  /** The typed value: defaults filled in, times in normal form, a fleet's policies normalised. Never hash it. */
  readonly payload: Payload;
  readonly signedAt: Timestamp;
  /** SHA-256 (hex) of the canonical form of the bytes received. */
  readonly canonicalSha256: string;
  /** Of a rollout manifest only: the id it is for. The caller checks that it is the one it asked for. */
  readonly rolloutId?: string;
}

/** The outcome of `verifyArtifact`. */
export type VerifyResult<Payload> = Verified<Payload> | VerifyFailure;

/**
 * Verifies and reads a signed document (planner.md §4.2). `signature` is the raw 64 bytes over the canonical form of
 * `bytes`, which may be formatted in any way. The first check that fails is the answer; nothing throws.
 */
export function verifyArtifact<Kind extends ArtifactKind>(
  kind: Kind,
  bytes: Uint8Array,
  signature: Uint8Array,
  keys: readonly TrustedKey[],
  options: VerifyOptions,
): VerifyResult<ArtifactPayload<Kind>> {
  const [first] = keys;
  if (first === undefined) return refusal({ error: 'NoTrustRoots', detail: {} });
  const document = canonicalizeBytes(bytes);
  if (!document.ok) return refusal({ error: 'Parse', detail: {} }, document.message);
  const message = Buffer.from(document.canonical);
  const unsigned = checkKeys(keys, first, message, signature);
  if (unsigned !== undefined) return unsigned;

  const reading = readArtifact(kind, document.value);
  if (!reading.ok) return refusal({ error: 'Parse', detail: {} }, reading.message);
  const payload = reading.value;
  const { schemaVersion, meta } = payload;
  if (schemaVersion !== SCHEMA_VERSION) {
    return refusal({ error: 'SchemaVersionUnsupported', detail: { version: schemaVersion } });
  }
  if (meta.signedAt === null) return refusal({ error: 'NotSigned', detail: {} });
  const untimely = checkTime(meta.signedAt, options);
  if (untimely !== undefined) return refusal(untimely);
  return {
    ok: true,
    payload,
    signedAt: meta.signedAt,
    canonicalSha256: sha256Hex(message),
    ...('channelRef' in payload && { rolloutId: rolloutIdOf(payload.channel, payload.channelRef) }),
  };
}

function checkKeys(
  keys: readonly TrustedKey[],
  first: TrustedKey,
  message: Uint8Array,
  signature: Uint8Array,
): VerifyFailure | undefined {
  const verdicts = [];
  for (const key of keys) {
    const verdict = checkSignature(key, message, signature);
    if (verdict === 'match') return undefined;
    verdicts.push(verdict);
  }
  const tried = verdicts.filter((verdict) => verdict !== 'unsupported').length;
  if (tried > 0) return refusal({ error: 'BadSignature', detail: {} }, `${tried} tried`);
  return refusal({ error: 'UnsupportedAlgorithm', detail: { algorithm: first.algorithm } });
}

function checkTime(signedAt: Timestamp, options: VerifyOptions): VerifyFault | undefined {
  const { now, freshnessWindowSeconds, rejectBefore } = options;
  if (rejectBefore != null && compareTimestamps(signedAt, rejectBefore) < 0) {
    return { error: 'RejectedBeforeTimestamp', detail: { signed_at: signedAt, reject_before: rejectBefore } };
  }
  if (freshnessWindowSeconds === undefined) return undefined;
  const age = epochNanos(now) - epochNanos(signedAt);
  const slack = BigInt(SLACK_SECONDS) * NANOS_PER_SECOND;
  if (age > BigInt(Math.trunc(freshnessWindowSeconds)) * NANOS_PER_SECOND + slack) {
    return { error: 'Stale', detail: { signed_at: signedAt, now, window_secs: freshnessWindowSeconds } };
  }
  if (-age > slack) {
    return { error: 'FutureDated', detail: { signed_at: signedAt, now, slack_secs: SLACK_SECONDS } };
  }
  return undefined;
}
