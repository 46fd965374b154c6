import { describe, expect, test } from 'vitest';
import { checkSignature, verifyEd25519 } from '../../../src/core/artifacts/keys.ts';
import { isStrictPoint, satisfiesEquation } from '../../../src/core/artifacts/ed25519-points.ts';
import { edKey, p256Key } from './fixtures.ts';

const message = Buffer.from('{"schemaVersion":1}');

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function toBytes(value: bigint, order: 'big' | 'little'): Buffer {
  const big = Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
  return order === 'big' ? big : Buffer.from(big.toReversed());
}

function toNumber(bytes: Uint8Array, order: 'big' | 'little'): bigint {
  return BigInt(`0x${Buffer.from(order === 'big' ? bytes : bytes.toReversed()).toString('hex')}`);
}

describe('ed25519', () => {
  const key = edKey(3);
  const signature = Buffer.from(key.sign(message));

  test('a signature of the key matches, and no other message does', () => {
    expect(checkSignature(key.trusted, message, signature)).toBe('match');
    expect(checkSignature(key.trusted, Buffer.from('{}'), signature)).toBe('mismatch');
    expect(checkSignature(edKey(4).trusted, message, signature)).toBe('mismatch');
  });

  test('the same signature with S + L is refused', () => {
    const s = toNumber(signature.subarray(32), 'little') + L;
    const twin = Buffer.concat([signature.subarray(0, 32), toBytes(s, 'little')]);
    expect(checkSignature(key.trusted, message, twin)).toBe('mismatch');
    expect(verifyEd25519(Buffer.from(key.trusted.public, 'base64'), message, twin)).toBe(false);
  });

  test('the neutral point as a key, under which one signature fits every message, is refused by the strict check only', () => {
    const neutral = toBytes(1n, 'little');
    const universal = Buffer.concat([neutral, Buffer.alloc(32)]);
    expect(verifyEd25519(neutral, message, universal)).toBe(true);
    const trusted = { algorithm: 'ed25519', public: neutral.toString('base64') };
    expect(checkSignature(trusted, message, universal)).toBe('mismatch');
  });

  test.each([
    ['order 1', 1n],
    ['order 2', P - 1n],
    ['order 4', 0n],
    ['order 8', 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n],
    ['order 8, the other', P - 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n],
    ['order 4, spelled with y = p', P],
    ['order 1, spelled with y = p + 1', P + 1n],
    ['any y that is not reduced', P + 5n],
  ])('a point of %s is not strict, whatever its sign', (_, y) => {
    expect(isStrictPoint(toBytes(y, 'little'))).toBe(false);
    expect(isStrictPoint(toBytes(y + 2n ** 255n, 'little'))).toBe(false);
  });

  test('the two points of order 8 double to a point with y = 0', () => {
    const y2 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n ** 2n % P;
    const d = (-121665n * inverse(121666n)) % P;
    const x2 = ((y2 - 1n) * inverse(d * y2 + 1n)) % P;
    expect((x2 + y2 + P) % P).toBe(0n);
  });

  test('the equation holds for what OpenSSL accepts, and for nothing next to it', () => {
    const raw = Buffer.from(key.trusted.public, 'base64');
    expect(satisfiesEquation(raw, message, signature)).toBe(true);
    expect(satisfiesEquation(raw, Buffer.from('{}'), signature)).toBe(false);
    const s = toNumber(signature.subarray(32), 'little');
    const next = Buffer.concat([signature.subarray(0, 32), toBytes(s + 1n, 'little')]);
    expect(satisfiesEquation(raw, message, next)).toBe(false);
    expect(satisfiesEquation(toBytes(2n, 'little'), message, signature)).toBe(false);
  });

  test('an ordinary key is strict', () => {
    expect(isStrictPoint(Buffer.from(key.trusted.public, 'base64'))).toBe(true);
  });

  test.each([
    ['no padding', (text: string) => text.replace('=', '')],
    ['a blank in front', (text: string) => ` ${text}`],
    ['a newline behind', (text: string) => `${text}\n`],
    ['the URL alphabet', (text: string) => text.replaceAll('/', '_').replaceAll('+', '-')],
    ['a byte too few', () => Buffer.alloc(31, 1).toString('base64')],
    ['the SSH form', () => 'ssh-ed25519 AAAA'],
    ['nothing', () => ''],
  ])('a key with %s does not match and does not throw', (_, change) => {
    const trusted = { ...key.trusted, public: change(key.trusted.public) };
    expect(checkSignature(trusted, message, signature)).toBe(
      trusted.public === key.trusted.public ? 'match' : 'mismatch',
    );
  });

  test.each([0, 32, 63, 65])('a signature of %d bytes does not match', (length) => {
    const wrong = Buffer.alloc(length);
    signature.copy(wrong);
    expect(checkSignature(key.trusted, message, wrong)).toBe('mismatch');
  });
});

describe('ecdsa-p256', () => {
  const key = p256Key(7);
  const signature = Buffer.from(key.sign(message));
  const r = signature.subarray(0, 32);
  const s = toNumber(signature.subarray(32), 'big');

  test('a signature matches with either s', () => {
    expect(checkSignature(key.trusted, message, signature)).toBe('match');
    const twin = Buffer.concat([r, toBytes(N - s, 'big')]);
    expect(checkSignature(key.trusted, message, twin)).toBe('match');
  });

  test.each([
    ['r = 0', [0n, s]],
    ['s = 0', [toNumber(r, 'big'), 0n]],
    ['r = n', [N, s]],
    ['s = n', [toNumber(r, 'big'), N]],
  ] as const)('%s is refused', (_, [wrongR, wrongS]) => {
    const wrong = Buffer.concat([toBytes(wrongR, 'big'), toBytes(wrongS, 'big')]);
    expect(checkSignature(key.trusted, message, wrong)).toBe('mismatch');
  });

  test('a key off the curve, with the 0x04 prefix or compressed does not match and does not throw', () => {
    const raw = Buffer.from(key.trusted.public, 'base64');
    const off = Buffer.from(raw);
    off[63] = (off[63] ?? 0) ^ 1;
    for (const wrong of [
      off,
      Buffer.concat([Buffer.of(4), raw]),
      Buffer.concat([Buffer.of(2), raw.subarray(0, 32)]),
    ]) {
      const trusted = { ...key.trusted, public: wrong.toString('base64') };
      expect(checkSignature(trusted, message, signature)).toBe('mismatch');
    }
  });
});

test.each(['Ed25519', 'ED25519', 'ecdsa-P256', 'dilithium3', ''])(
  'the algorithm "%s" is unsupported',
  (algorithm) => {
    expect(checkSignature({ ...edKey(3).trusted, algorithm }, message, Buffer.alloc(64))).toBe('unsupported');
  },
);

function inverse(value: bigint): bigint {
  let result = 1n;
  let base = ((value % P) + P) % P;
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}
