import { createHash } from 'node:crypto';
import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import { compareTimestamps, type Timestamp } from '../../api/time.ts';
import type { BootstrapClaims, BootstrapToken } from '../../api/wire/enroll.ts';
import { decodeBase64 } from './base64.ts';
import { canonicalizeValue } from './canonical-json.ts';
import { checkSignature } from './keys.ts';
import type { SigningKey } from './sign.ts';

const TOKEN_VERSION = 1;
const TOKEN_ALGORITHM = 'ed25519';

/** Whether a token is genuine, or why not: no Ed25519 key to judge it with, another version, or a wrong signature. */
export type TokenVerdict = 'Genuine' | 'NoTrustRoots' | 'UnsupportedVersion' | 'BadSignature';

/**
 * The token of some claims (agent-protocol.md §1.6), signed by the organisation's root. Throws where the key is not
 * Ed25519, since no control plane would accept the token.
 */
export function signBootstrapToken(claims: BootstrapClaims, orgRoot: SigningKey): BootstrapToken {
  if (orgRoot.trusted.algorithm !== TOKEN_ALGORITHM)
    throw new Error(`bootstrap tokens are signed with Ed25519, but this key is ${orgRoot.trusted.algorithm}`);
  const signature = Buffer.from(orgRoot.sign(signedBytes(claims))).toString('base64');
  return { version: TOKEN_VERSION, claims, signature };
}

/**
 * Whether one of the keys signed the token (agent-protocol.md §1.6). `keys` are those in force of the slot
 * `orgRootKey`; all but Ed25519 ones are passed over. Time, nonce and fingerprint are not looked at.
 */
export function verifyBootstrapToken(token: BootstrapToken, keys: readonly TrustedKey[]): TokenVerdict {
  const candidates = keys.filter(({ algorithm }) => algorithm === TOKEN_ALGORITHM);
  if (candidates.length === 0) return 'NoTrustRoots';
  if (token.version !== TOKEN_VERSION) return 'UnsupportedVersion';
  const signature = decodeBase64(token.signature);
  if (signature === undefined) return 'BadSignature';
  const message = signedBytes(token.claims);
  return candidates.some((key) => checkSignature(key, message, signature) === 'match')
    ? 'Genuine'
    : 'BadSignature';
}

/** Whether a token is in force: issued, and not yet expired (its last instant is the one before `expiresAt`). */
export function isTokenInForce({ issuedAt, expiresAt }: BootstrapClaims, now: Timestamp): boolean {
  return compareTimestamps(now, issuedAt) >= 0 && compareTimestamps(now, expiresAt) < 0;
}

/** How tokens name a host's key: padded base64 of the SHA-256 over its raw 32 bytes. */
export function publicKeyFingerprint(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('base64');
}

/** The claims are listed one by one: whatever else a token carries is not signed. */
function signedBytes(claims: BootstrapClaims): Uint8Array {
  const { hostname, expectedPubkeyFingerprint, issuedAt, expiresAt, nonce } = claims;
  return Buffer.from(canonicalizeValue({ hostname, expectedPubkeyFingerprint, issuedAt, expiresAt, nonce }));
}
