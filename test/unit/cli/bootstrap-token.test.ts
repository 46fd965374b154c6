/** The bootstrap token of agent-protocol.md §9.0, whose signature the original computed. */
import { describe, expect, test } from 'vitest';
import { parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import {
  bootstrapTokenSchema,
  type CertificateResponse,
  certificateResponseSchema,
  type EnrollRequest,
  enrollRequestSchema,
  type RenewRequest,
  renewRequestSchema,
} from '../../../src/api/wire/enroll.ts';
import {
  isTokenInForce,
  publicKeyFingerprint,
  signBootstrapToken,
  verifyBootstrapToken,
} from '../../../src/core/artifacts/bootstrap-token.ts';
import { signingKeyFromRaw } from '../../../src/core/artifacts/sign.ts';
import { readSshPublicKey } from '../../../src/core/artifacts/ssh-public-key.ts';
import { HOST_FINGERPRINT, HOST_LINE } from './harness.ts';

const orgRoot = signingKeyFromRaw('ed25519', Buffer.alloc(32, 1));
const published = {
  version: 1,
  claims: {
    hostname: 'web-01',
    expectedPubkeyFingerprint: HOST_FINGERPRINT,
    issuedAt: '2026-06-01T09:00:00Z' as Timestamp,
    expiresAt: '2026-06-02T09:00:00Z' as Timestamp,
    nonce: '000102030405060708090a0b0c0d0e0f',
  },
  signature: '08iiCuFvWxU/8arojBnOFelqyxwiT+wawhMLolDsLjREuuhJf8RvIVNufhd/hzWrzRygC62Q1rMijL7URtgKDg==',
};

test('the published claims get the published signature', () => {
  expect(signBootstrapToken(published.claims, orgRoot)).toEqual(published);
});

test('the published fingerprint is of the published host key', () => {
  const key = readSshPublicKey(HOST_LINE);
  expect(key?.algorithm === 'ssh-ed25519' && publicKeyFingerprint(key.raw)).toBe(HOST_FINGERPRINT);
});

test('a token on the wire is genuine whatever else it carries and however its times are spelled', () => {
  const { claims } = published;
  const request: EnrollRequest = enrollRequestSchema.parse({
    token: {
      ...published,
      claims: { role: 'admin', ...claims, issuedAt: '2026-06-01T11:00:00.000+02:00' },
      extra: 1,
    },
    csrPem: 'x',
  });
  expect(verifyBootstrapToken(request.token, [orgRoot.trusted])).toBe('Genuine');
  expect(request.token).toEqual(published);
});

describe('a token is not genuine', () => {
  const p256 = signingKeyFromRaw('ecdsa-p256', Buffer.alloc(32, 1));
  const other = signingKeyFromRaw('ed25519', Buffer.alloc(32, 4));
  const { claims, signature } = published;
  test.each([
    ['for another host', { claims: { ...claims, hostname: 'web-02' } }, 'BadSignature'],
    ['with another nonce', { claims: { ...claims, nonce: 'f'.repeat(32) } }, 'BadSignature'],
    ['with another key', { claims: { ...claims, expectedPubkeyFingerprint: '' } }, 'BadSignature'],
    ['for longer', { claims: { ...claims, expiresAt: '2027-01-01T00:00:00Z' as Timestamp } }, 'BadSignature'],
    [
      'from earlier',
      { claims: { ...claims, issuedAt: '2026-01-01T00:00:00Z' as Timestamp } },
      'BadSignature',
    ],
    ['with an empty signature', { signature: '' }, 'BadSignature'],
    ['with half a signature', { signature: signature.slice(0, 44) }, 'BadSignature'],
    [
      'with a signature in URL base64',
      { signature: signature.replaceAll('+', '-').replaceAll('/', '_') },
      'BadSignature',
    ],
    ['of a version to come', { version: 2 }, 'UnsupportedVersion'],
  ])('%s', (_, change, verdict) => {
    expect(verifyBootstrapToken({ ...published, ...change }, [other.trusted, orgRoot.trusted])).toBe(verdict);
  });

  test('under the keys of others', () => {
    expect(verifyBootstrapToken(published, [other.trusted])).toBe('BadSignature');
  });

  test('under no key, or keys of an algorithm that tokens are not signed with', () => {
    expect(verifyBootstrapToken(published, [])).toBe('NoTrustRoots');
    const signedByP256 = Buffer.from(p256.sign(Buffer.from('x'))).toString('base64');
    expect(verifyBootstrapToken({ ...published, signature: signedByP256 }, [p256.trusted])).toBe(
      'NoTrustRoots',
    );
    expect(() => signBootstrapToken(claims, p256)).toThrow(/signed with Ed25519/);
  });
});

test.each([
  ['2026-06-01T08:59:59.999999999Z', false],
  ['2026-06-01T09:00:00Z', true],
  ['2026-06-02T08:59:59.999999999Z', true],
  ['2026-06-02T09:00:00Z', false],
])('at %s the token is in force: %s', (time, inForce) => {
  expect(isTokenInForce(published.claims, parseTimestamp(time) as Timestamp)).toBe(inForce);
});

test.each([
  ['claims', { ...published, claims: undefined }],
  ['nonce', { ...published, claims: { ...published.claims, nonce: 7 } }],
  ['expiresAt', { ...published, claims: { ...published.claims, expiresAt: '2026-06-02' } }],
  ['version', { ...published, version: '1' }],
  ['signature', { ...published, signature: null }],
])('a token with a wrong %s has not the shape of one', (member, token) => {
  const result = bootstrapTokenSchema.safeParse(token);
  expect(result.error?.issues[0]?.path.at(-1)).toBe(member);
});

test('a renewal carries a request and nothing that could name its sender', () => {
  const request: RenewRequest = renewRequestSchema.parse({ csrPem: 'x', hostname: 'web-02' });
  expect(request).toEqual({ csrPem: 'x' });
  expect(renewRequestSchema.safeParse({}).success).toBe(false);
});

test('the answer gives the end of the certificate as a time', () => {
  const answer = {
    certPem: 'x',
    notAfter: '2026-07-01T00:00:00Z' as Timestamp,
  } satisfies CertificateResponse;
  expect(certificateResponseSchema.parse(answer)).toEqual(answer);
  expect(certificateResponseSchema.safeParse({ ...answer, notAfter: 'soon' }).success).toBe(false);
});
