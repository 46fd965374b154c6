import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkSignature } from '../../../src/core/artifacts/keys.ts';
import { signDocument, signingKeyFromPem, signingKeyFromRaw } from '../../../src/core/artifacts/sign.ts';

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const spki = { type: 'spki', format: 'pem' } as const;
const ed25519 = generateKeyPairSync('ed25519', { privateKeyEncoding: pkcs8, publicKeyEncoding: spki });
const p256 = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
  publicKeyEncoding: spki,
});

test.each([
  ['an Ed25519 key', signingKeyFromPem(ed25519.privateKey)],
  ['a P-256 key in SEC 1 form', signingKeyFromPem(p256.privateKey)],
  ['an Ed25519 seed', signingKeyFromRaw('ed25519', Buffer.alloc(32, 9))],
  ['a P-256 scalar', signingKeyFromRaw('ecdsa-p256', Buffer.alloc(32, 9))],
])('what %s signs, its trust entry verifies', (_, key) => {
  const signed = signDocument('{ "b": 1.0, "a": [] }', key);
  expect(signed.canonical).toBe('{"a":[],"b":1}');
  expect(signed.signature).toHaveLength(64);
  expect(checkSignature(key.trusted, Buffer.from(signed.canonical), signed.signature)).toBe('match');
});

describe('a key that cannot sign is refused with the remedy', () => {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    privateKeyEncoding: pkcs8,
    publicKeyEncoding: spki,
  });
  const p384 = generateKeyPairSync('ec', {
    namedCurve: 'P-384',
    privateKeyEncoding: pkcs8,
    publicKeyEncoding: spki,
  });
  test.each([
    ['RSA', rsa.privateKey, 'use an Ed25519 or a P-256 key'],
    ['P-384', p384.privateKey, 'P-384'],
    ['a public key', ed25519.publicKey, 'openssl genpkey'],
    ['no PEM', 'secret', 'openssl genpkey'],
  ])('%s', (_, pem, remedy) => {
    expect(() => signingKeyFromPem(pem)).toThrow(remedy);
  });

  const x25519 = generateKeyPairSync('x25519', { privateKeyEncoding: pkcs8, publicKeyEncoding: spki });
  test.each([
    ['RSA', rsa.privateKey],
    ['P-384', p384.privateKey],
    ['X25519', x25519.privateKey],
  ])('of type %s, which the message names', (type, pem) => {
    expect(() => signingKeyFromPem(pem)).toThrow(
      `the signing key is of type ${type}: use an Ed25519 or a P-256 key`,
    );
  });

  test('with what the library says as the cause', () => {
    let thrown: unknown;
    try {
      signingKeyFromPem('secret');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toHaveProperty('cause', expect.any(Error));
  });

  test('raw bytes of another length, or out of range', () => {
    expect(() => signingKeyFromRaw('ed25519', Buffer.alloc(31))).toThrow('32 bytes, not 31');
    expect(() => signingKeyFromRaw('ecdsa-p256', Buffer.alloc(32))).toThrow();
  });
});

test('a raw key is of the algorithm that was asked for', () => {
  const [seed, scalar] = (['ed25519', 'ecdsa-p256'] as const).map((algorithm) =>
    signingKeyFromRaw(algorithm, Buffer.alloc(32, 9)),
  );
  expect(seed?.trusted.algorithm).toBe('ed25519');
  expect(Buffer.from(seed?.trusted.public ?? '', 'base64')).toHaveLength(32);
  expect(scalar?.trusted.algorithm).toBe('ecdsa-p256');
  expect(Buffer.from(scalar?.trusted.public ?? '', 'base64')).toHaveLength(64);
});

test('a document that could not be verified is not signed', () => {
  expect(() => signDocument('{"a":1e400}', signingKeyFromRaw('ed25519', Buffer.alloc(32, 9)))).toThrow(
    'cannot be signed',
  );
});
