/** Signatures of which one point has a small order: OpenSSL differs from version to version, so they are computed here. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { satisfiesEquation } from '../../../src/core/artifacts/ed25519-points.ts';
import { checkSignature, verifyEd25519 } from '../../../src/core/artifacts/keys.ts';
import { edKey } from './fixtures.ts';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const NEUTRAL = littleEndian(1n);
const MESSAGE = Buffer.from('{"schemaVersion":1}');
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

function littleEndian(value: bigint): Buffer {
  return Buffer.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').toReversed());
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}

function sha512(...parts: Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** RFC 8032 §5.1.5: the scalar of a seed. */
function scalarOf(seed: number): bigint {
  const scalar = sha512(Buffer.alloc(32, seed)).subarray(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 0b1111_1000;
  scalar[31] = ((scalar[31] ?? 0) & 0b0111_1111) | 0b0100_0000;
  return numberOf(scalar);
}

function publicKey(seed: number): Buffer {
  return Buffer.from(edKey(seed).trusted.public, 'base64');
}

function strict(key: Uint8Array, signature: Uint8Array): string {
  return checkSignature(
    { algorithm: 'ed25519', public: Buffer.from(key).toString('base64') },
    MESSAGE,
    signature,
  );
}

describe('a signature that fits', () => {
  test.each(SEEDS)(
    'with R of order 1, under the key of seed %d: the plain check alone accepts it',
    (seed) => {
      const key = publicKey(seed);
      const h = numberOf(sha512(NEUTRAL, key, MESSAGE)) % L;
      const signature = Buffer.concat([NEUTRAL, littleEndian((h * scalarOf(seed)) % L)]);
      expect(satisfiesEquation(key, MESSAGE, signature)).toBe(true);
      expect(verifyEd25519(key, MESSAGE, signature)).toBe(true);
      expect(strict(key, signature)).toBe('mismatch');
    },
  );

  test.each(SEEDS)(
    'under a key of order 1, with the R of seed %d: the plain check alone accepts it',
    (seed) => {
      const signature = Buffer.concat([publicKey(seed), littleEndian(scalarOf(seed) % L)]);
      expect(satisfiesEquation(NEUTRAL, MESSAGE, signature)).toBe(true);
      expect(verifyEd25519(NEUTRAL, MESSAGE, signature)).toBe(true);
      expect(strict(NEUTRAL, signature)).toBe('mismatch');
    },
  );
});

describe('under a key of order 1', () => {
  const universal = Buffer.concat([NEUTRAL, Buffer.alloc(32)]);

  test('a signature that does not fit is refused by the plain check, too', () => {
    const wrong = Buffer.concat([publicKey(1), Buffer.alloc(32)]);
    expect(verifyEd25519(NEUTRAL, MESSAGE, wrong)).toBe(false);
  });

  test.each([
    ['L itself', L],
    ['L and more', L + 1n],
  ])('S of %s is refused, because S has to be reduced', (_, s) => {
    const signature = Buffer.concat([NEUTRAL, littleEndian(s)]);
    expect(satisfiesEquation(NEUTRAL, MESSAGE, signature)).toBe(false);
    expect(verifyEd25519(NEUTRAL, MESSAGE, signature)).toBe(false);
  });

  test('a key or signature of another length is refused, though it is the same number', () => {
    expect(verifyEd25519(NEUTRAL, MESSAGE, universal)).toBe(true);
    expect(verifyEd25519(Buffer.concat([NEUTRAL, Buffer.alloc(1)]), MESSAGE, universal)).toBe(false);
    expect(verifyEd25519(NEUTRAL, MESSAGE, Buffer.concat([universal, Buffer.alloc(1)]))).toBe(false);
  });
});

test('a P-256 key that is no base64 is a mismatch and does not throw', () => {
  expect(checkSignature({ algorithm: 'ecdsa-p256', public: '!' }, MESSAGE, Buffer.alloc(64))).toBe(
    'mismatch',
  );
});
