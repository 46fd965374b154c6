import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import { decodeBase64 } from './base64.ts';
import { isStrictPoint, satisfiesEquation } from './ed25519-points.ts';

const SIGNATURE_BYTES = 64;
const ED25519_KEY_BYTES = 32;
const P256_COORDINATE_BYTES = 32;

/** How a key relates to a signature: `unsupported` where its algorithm is unknown (planner.md §4.1). */
export type KeyVerdict = 'match' | 'mismatch' | 'unsupported';

/**
 * Checks a raw 64-byte signature over a message. A malformed key or signature is a mismatch. Ed25519 is checked
 * strictly: no small-order or non-canonical point, no S ≥ L. For P-256 either s is accepted.
 */
export function checkSignature(key: TrustedKey, message: Uint8Array, signature: Uint8Array): KeyVerdict {
  switch (key.algorithm) {
    case 'ed25519':
      return verifyEd25519Strict(key.public, message, signature) ? 'match' : 'mismatch';
    case 'ecdsa-p256':
      return verifyP256(key.public, message, signature) ? 'match' : 'mismatch';
    default:
      return 'unsupported';
  }
}

/**
 * The plain Ed25519 check (planner.md §6): S ≥ L is refused, small-order points are not.
 * `publicKey` is the raw 32 bytes, `signature` the raw 64.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const key = importKey({ kty: 'OKP', crv: 'Ed25519', x: base64Url(publicKey) });
  if (key !== undefined && verify(null, message, key, signature)) return true;
  // OpenSSL may refuse points of small order (version 3.5 does), which the plain check has to accept.
  const ordinary = isStrictPoint(publicKey) && isStrictPoint(signature.subarray(0, 32));
  return !ordinary && satisfiesEquation(publicKey, message, signature);
}

function verifyEd25519Strict(publicKey: string, message: Uint8Array, signature: Uint8Array): boolean {
  const raw = decodeBase64(publicKey);
  if (raw?.length !== ED25519_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  // Under a small-order point one signature fits many messages.
  if (!isStrictPoint(raw) || !isStrictPoint(signature.subarray(0, 32))) return false;
  return verifyEd25519(raw, message, signature);
}

function verifyP256(publicKey: string, message: Uint8Array, signature: Uint8Array): boolean {
  const raw = decodeBase64(publicKey);
  if (raw?.length !== 2 * P256_COORDINATE_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const x = base64Url(raw.subarray(0, P256_COORDINATE_BYTES));
  const y = base64Url(raw.subarray(P256_COORDINATE_BYTES));
  const key = importKey({ kty: 'EC', crv: 'P-256', x, y });
  return key !== undefined && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** The import throws where the point is not on the curve. */
function importKey(jwk: { kty: string; crv: string; x: string; y?: string }): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
