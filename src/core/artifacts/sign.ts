import { createECDH, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import { canonicalize } from './canonical-json.ts';
import { sha256Hex } from './hash.ts';

/** The algorithms that documents can be signed with (planner.md §4.1). */
export type SigningAlgorithm = 'ed25519' | 'ecdsa-p256';

/** A private key with the entry that a trust config needs to believe it. */
export interface SigningKey {
  /** Its public half as trust.json spells it. */
  readonly trusted: TrustedKey & { readonly algorithm: SigningAlgorithm };
  /** The raw 64-byte signature over the bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** A document in the form that was signed, and its signature. */
export interface SignedDocument {
  readonly canonical: string;
  /** SHA-256 (hex) of the canonical form; of a fleet, its manifests' `fleetResolvedHash`. */
  readonly canonicalSha256: string;
  /** The raw 64 bytes for the `.sig` file. */
  readonly signature: Uint8Array;
}

const RAW_KEY_BYTES = 32;
/** RFC 8410: what precedes the seed in the PKCS #8 form of an Ed25519 key. */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Reads an unencrypted PEM private key (PKCS #8 or SEC 1). Throws, naming the remedy, where it is of no use here. */
export function signingKeyFromPem(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new Error(
      'the signing key is no unencrypted PEM private key: make one with "openssl genpkey -algorithm ed25519"',
      {
        cause,
      },
    );
  }
  return signingKey(key);
}

/** The key of 32 raw bytes: an Ed25519 seed or a P-256 scalar (big-endian). Throws where they are no key. */
export function signingKeyFromRaw(algorithm: SigningAlgorithm, raw: Uint8Array): SigningKey {
  if (raw.length !== RAW_KEY_BYTES)
    throw new Error(`a raw ${algorithm} key has ${RAW_KEY_BYTES} bytes, not ${raw.length}`);
  if (algorithm === 'ed25519') {
    const der = Buffer.concat([ED25519_PKCS8_PREFIX, raw]);
    return signingKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  }
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(raw);
  const point = curve.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.toString('base64url', 1, 33),
    y: point.toString('base64url', 33),
    d: Buffer.from(raw).toString('base64url'),
  };
  return signingKey(createPrivateKey({ key: jwk, format: 'jwk' }));
}

/** Signs a JSON document. Throws, saying what is wrong, where the text cannot be read (planner.md §2.1). */
export function signDocument(text: string, key: SigningKey): SignedDocument {
  const document = canonicalize(text);
  if (!document.ok) throw new Error(`the document cannot be signed: ${document.message}`);
  const { canonical } = document;
  return { canonical, canonicalSha256: sha256Hex(canonical), signature: key.sign(Buffer.from(canonical)) };
}

function signingKey(key: KeyObject): SigningKey {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (crv === 'Ed25519') {
    return {
      trusted: { algorithm: 'ed25519', public: toBase64(x) },
      sign: (bytes) => sign(null, bytes, key),
    };
  }
  if (crv === 'P-256') {
    return {
      trusted: { algorithm: 'ecdsa-p256', public: toBase64(x, y) },
      sign: (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }),
    };
  }
  throw new Error(`the signing key is of type ${String(crv ?? kty)}: use an Ed25519 or a P-256 key`);
}

function toBase64(...parts: (string | undefined)[]): string {
  return Buffer.concat(parts.map((part) => Buffer.from(String(part), 'base64url'))).toString('base64');
}
