import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../src/api/time.ts';
import type { BootstrapClaims, BootstrapToken } from '../../../src/api/wire/enroll.ts';
import { publicKeyFingerprint, signBootstrapToken } from '../../../src/core/artifacts/bootstrap-token.ts';
import {
  judgeFirstRequest,
  judgeRenewal,
  type DeclaredHosts,
  type RequestFacts,
} from '../../../src/core/enrolment/judge-request.ts';
import { judgeToken, type TokenView } from '../../../src/core/enrolment/judge-token.ts';
import type { Passed, Refused } from '../../../src/core/enrolment/refusal.ts';
import { edKey, p256Key } from '../artifacts/fixtures.ts';

const KEY = new Uint8Array(32).fill(3);
const OTHER_KEY = new Uint8Array(32).fill(4);
const ED25519_LINE = sshLine('ssh-ed25519', KEY);

function sshLine(algorithm: string, ...fields: Uint8Array[]): string {
  const strings = [Buffer.from(algorithm), ...fields].flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return `${algorithm} ${Buffer.concat(strings).toString('base64')} root@web-01`;
}

const CLAIMS: BootstrapClaims = {
  hostname: 'web-01',
  expectedPubkeyFingerprint: publicKeyFingerprint(KEY),
  issuedAt: '2026-05-16T00:00:00Z' as Timestamp,
  expiresAt: '2026-05-17T00:00:00Z' as Timestamp,
  nonce: '00',
};

const REQUEST: RequestFacts = { commonName: 'web-01', publicKey: KEY, ed25519: true };

const declaring =
  (pubkey: string | null): DeclaredHosts =>
  (hostname) =>
    hostname === 'web-01' ? { pubkey } : undefined;

/** `passed`, or `status reason: detail`. */
function shown(verdict: Passed | Refused): string {
  return verdict.ok ? 'passed' : `${verdict.status} ${verdict.reason}: ${verdict.detail}`;
}

const UNREADABLE =
  '400 BadRequest: csrPem is no PKCS#10 request in PEM with one common name that its own key has signed';
const NO_ED25519 = '400 KeyNotEd25519: the request’s key is not ed25519: use the SSH host key';
const UNDECLARED_KEY =
  '401 KeyMismatch: the release in force declares no ssh-ed25519 pubkey for this host: declare it';

describe('a first request', () => {
  const judged = (
    request: RequestFacts | undefined,
    hosts: DeclaredHosts = declaring(ED25519_LINE),
    claims = CLAIMS,
  ): string => shown(judgeFirstRequest(request, claims, hosts));

  it('passes for the host and key of the token, where the release declares the key', () => {
    expect(judged(REQUEST)).toBe('passed');
  });

  it.each<[string, string, RequestFacts | undefined, DeclaredHosts?]>([
    ['it is unreadable', UNREADABLE, undefined],
    [
      'it names another host',
      '401 NameMismatch: the request’s common name is not the host that the token is for',
      { ...REQUEST, commonName: 'web-02' },
    ],
    [
      'it has another key',
      '401 FingerprintMismatch: the request’s key is not the one that the token is for',
      { ...REQUEST, publicKey: OTHER_KEY },
    ],
    ['its key is no ed25519 key', NO_ED25519, { ...REQUEST, ed25519: false }, declaring(null)],
    ['no key is declared', UNDECLARED_KEY, REQUEST, declaring(null)],
    ['what is declared is no key', UNDECLARED_KEY, REQUEST, declaring('ssh-ed25519 x')],
    [
      'a key of another algorithm is declared',
      UNDECLARED_KEY,
      REQUEST,
      declaring(sshLine('ssh-rsa', Buffer.from([1]), Buffer.from([1]))),
    ],
    [
      'another key is declared',
      '401 KeyMismatch: the request’s key is not the declared SSH host key',
      REQUEST,
      declaring(sshLine('ssh-ed25519', OTHER_KEY)),
    ],
  ])('is refused where %s', (_, refusal, request, hosts) => {
    expect(judged(request, hosts)).toBe(refusal);
  });

  it('is refused for now where nothing is in force, before its key is looked at', () => {
    const verdict = judgeFirstRequest({ ...REQUEST, ed25519: false }, CLAIMS, undefined);
    expect(shown(verdict)).toBe('503 NoRelease: no release is in force');
  });

  it('is refused where the release does not declare the host', () => {
    const request = { ...REQUEST, commonName: 'web-09' };
    expect(judged(request, declaring(ED25519_LINE), { ...CLAIMS, hostname: 'web-09' })).toBe(
      '401 UnknownHost: the release in force does not declare this host',
    );
  });

  it('is judged by name before key, and by token before release', () => {
    expect(judged({ commonName: 'web-02', publicKey: OTHER_KEY, ed25519: false })).toMatch(
      /^401 NameMismatch/,
    );
    expect(judged({ ...REQUEST, publicKey: OTHER_KEY, ed25519: false }, declaring(null))).toMatch(
      /^401 FingerprintMismatch/,
    );
  });
});

describe('a renewal', () => {
  const presented = { hostname: 'web-01', commonName: 'agent-web-01.old.example', suffix: 'fleet.example' };
  const judged = (
    request: RequestFacts | undefined,
    hosts: DeclaredHosts = declaring(ED25519_LINE),
  ): string => shown(judgeRenewal(request, presented, hosts));

  it.each(['web-01', 'agent-web-01.old.example', 'agent-web-01.fleet.example'])(
    'may spell the name of the certificate it came with as %s',
    (commonName) => {
      expect(judged({ ...REQUEST, commonName })).toBe('passed');
    },
  );

  it.each<[string, string, RequestFacts | undefined, DeclaredHosts?]>([
    ['it is unreadable', UNREADABLE, undefined],
    [
      'its key is no ed25519 key, whatever its name',
      NO_ED25519,
      { commonName: 'web-02', publicKey: KEY, ed25519: false },
    ],
    [
      'it asks for another host',
      '401 NameMismatch: the request’s common name is not that of the certificate it came with',
      { ...REQUEST, commonName: 'agent-web-02.fleet.example' },
    ],
    [
      'another key is declared meanwhile',
      '401 KeyMismatch: the request’s key is not the declared SSH host key',
      REQUEST,
      declaring(sshLine('ssh-ed25519', OTHER_KEY)),
    ],
    [
      'the host is no longer declared',
      '401 UnknownHost: the release in force does not declare this host',
      REQUEST,
      () => undefined,
    ],
  ])('is refused where %s', (_, refusal, request, hosts) => {
    expect(judged(request, hosts)).toBe(refusal);
  });
});

describe('a bootstrap token', () => {
  const ORG = edKey(1);
  const TOKEN: BootstrapToken = signBootstrapToken(CLAIMS, ORG);
  const NOW = '2026-05-16T12:00:00Z' as Timestamp;
  const entry = (hostname: string, expiresAt: string = NOW) => ({
    nonce: CLAIMS.nonce,
    hostname,
    expiresAt: expiresAt as Timestamp,
    mintedAt: CLAIMS.issuedAt,
    mintedBy: null,
  });
  const judged = (changes: Partial<TokenView>, token: BootstrapToken = TOKEN): string =>
    shown(
      judgeToken(token, {
        now: NOW,
        burned: false,
        listed: [entry('web-01')],
        orgRoot: { keys: [ORG.trusted] },
        ...changes,
      }),
    );
  const listing = '401 NonceNotListed: the signed nonce list does not have this nonce for this host: list it';
  const over = '401 NonceExpired: the nonce list has this nonce, but its time is over: mint a new token';
  const before = '2026-05-16T11:59:59Z';

  it.each<[string, string, Partial<TokenView>]>([
    ['passes while its nonce is listed, in its last instant, too', 'passed', {}],
    [
      'passes where one of several entries still counts',
      'passed',
      { listed: [entry('web-01', before), entry('web-02'), entry('web-01')] },
    ],
    [
      'passes where one of two keys signed it',
      'passed',
      { orgRoot: { keys: [edKey(2).trusted, ORG.trusted] } },
    ],
    [
      'is used up',
      '409 NonceUsed: the nonce was used before: mint a new token and list its nonce',
      { burned: true, listed: [] },
    ],
    ['is not listed', listing, { listed: [], now: CLAIMS.expiresAt }],
    ['is listed for another host', listing, { listed: [entry('web-02')] }],
    ['is listed no longer', over, { listed: [entry('web-01', before)] }],
    [
      'is listed no longer, but for another host',
      over,
      { listed: [entry('web-01', before), entry('web-02')] },
    ],
    [
      'is over',
      `401 TokenNotInForce: the token is in force from ${CLAIMS.issuedAt} to ${CLAIMS.expiresAt}`,
      { listed: [entry('web-01', CLAIMS.expiresAt)], now: CLAIMS.expiresAt, orgRoot: { fault: 'x' } },
    ],
    [
      'meets no trust config',
      '500 TrustUnusable: trust.json is gone',
      { orgRoot: { fault: 'trust.json is gone' } },
    ],
    [
      'meets no key',
      '500 TrustUnusable: orgRootKey of the trust config has no ed25519 key in force: add one',
      { orgRoot: { keys: [] } },
    ],
    [
      'meets a key that tokens are not signed with',
      '500 TrustUnusable: orgRootKey of the trust config has no ed25519 key in force: add one',
      { orgRoot: { keys: [p256Key(1).trusted] } },
    ],
    [
      'was signed by another key',
      '401 BadToken: no org root key signed the token',
      { orgRoot: { keys: [edKey(2).trusted] } },
    ],
  ])('%s', (_, verdict, changes) => {
    expect(judged(changes)).toBe(verdict);
  });

  it('is of a version that is known', () => {
    expect(judged({}, { ...TOKEN, version: 2 })).toBe('401 BadToken: the token is of another version than 1');
  });
});
