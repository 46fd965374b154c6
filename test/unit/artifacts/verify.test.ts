import { describe, expect, test } from 'vitest';
import type { TrustedKey } from '../../../src/api/artifacts/trust-config.ts';
import { canonicalizeValue } from '../../../src/core/artifacts/canonical-json.ts';
import { sha256Hex } from '../../../src/core/artifacts/hash.ts';
import { verifyArtifact, type VerifyOptions } from '../../../src/core/artifacts/verify.ts';
import { at, edKey, fleetDocument, p256Key } from './fixtures.ts';

const ci = edKey(3);
const now = at('2026-05-16T01:00:00Z');
const options: VerifyOptions = { now, freshnessWindowSeconds: 3600 };
const keys: readonly TrustedKey[] = [ci.trusted];

function signed(document: unknown, key = ci) {
  return {
    bytes: Buffer.from(JSON.stringify(document, null, 2)),
    signature: key.sign(Buffer.from(canonicalizeValue(document))),
  };
}

function verifyFleet(document: unknown, change: Partial<VerifyOptions> = {}, trusted = keys) {
  const { bytes, signature } = signed(document);
  return verifyArtifact('fleet', bytes, signature, trusted, { ...options, ...change });
}

function signedAt(time: string | null) {
  return { ...fleetDocument(), meta: { schemaVersion: 1, signedAt: time } };
}

describe('a good document', () => {
  test('is accepted however it is formatted, and hashed as received, unknown members included', () => {
    const document = { ...fleetDocument(), future: { a: 1 } };
    const result = verifyFleet(document);
    expect(result).toMatchObject({
      ok: true,
      signedAt: '2026-05-16T01:00:00Z',
      canonicalSha256: sha256Hex(canonicalizeValue(document)),
    });
    expect(result.ok && 'future' in result.payload).toBe(false);
  });

  test.each(['fleet', 'rollout_manifest', 'revocations', 'bootstrap_nonces'] as const)(
    'of kind %s is read as that',
    (kind) => {
      const { bytes, signature } = signed({
        ...fleetDocument(),
        displayName: 'stable@abc',
        channel: 'stable',
        channelRef: 'abc@1',
        fleetResolvedHash: '00',
        hostSet: [],
        healthGate: {},
        revocations: [{ hostname: 'web-1', notBefore: '2026-05-16T03:00:00.5+02:00' }],
        bootstrapNonces: [],
      });
      const result = verifyArtifact(kind, bytes, signature, keys, options);
      if (!result.ok) throw new Error(result.message);
      expect(result.rolloutId).toBe(kind === 'rollout_manifest' ? 'stable@abc@1' : undefined);
      if ('revocations' in result.payload) {
        expect(result.payload.revocations).toEqual([
          { hostname: 'web-1', notBefore: '2026-05-16T01:00:00.500Z', reason: null, revokedBy: null },
        ]);
      }
    },
  );

  test('may be signed by any of the keys, with any of the algorithms', () => {
    const document = fleetDocument();
    const { bytes, signature } = signed(document, p256Key(9));
    const trusted = [
      { algorithm: 'dilithium3', public: 'AAAA' },
      { ...ci.trusted, public: '!' },
      ci.trusted,
      p256Key(9).trusted,
    ];
    expect(verifyArtifact('fleet', bytes, signature, trusted, options)).toMatchObject({ ok: true });
  });

  test('gives an all-at-once policy without waves the one wave that it means, in memory only', () => {
    const result = verifyFleet({
      ...fleetDocument(),
      rolloutPolicies: {
        implicit: { strategy: 'all-at-once', waves: [], onHealthFailure: 'halt' },
        other: { strategy: 'All-At-Once', waves: [], onHealthFailure: 'halt' },
        explicit: {
          strategy: 'all-at-once',
          waves: [{ selector: { hosts: ['web-1'] }, soakMinutes: 9 }],
          onHealthFailure: 'halt',
        },
      },
    });
    const all = { tags: [], tagsAny: [], hosts: [], channel: null, all: true };
    expect(result.ok && result.payload.rolloutPolicies).toMatchObject({
      implicit: { waves: [{ selector: all, soakMinutes: 0 }], healthGate: {} },
      other: { waves: [] },
      explicit: { waves: [{ soakMinutes: 9 }] },
    });
  });
});

describe('the first check that fails is the answer', () => {
  const garbage = Buffer.from('{');
  const signature = Buffer.alloc(64);
  const unknownKey = { algorithm: 'rsa', public: '' };

  test('no key at all comes before unreadable text', () => {
    expect(verifyArtifact('fleet', garbage, signature, [], options)).toMatchObject({ error: 'NoTrustRoots' });
  });

  test('unreadable text comes before unknown algorithms', () => {
    expect(verifyArtifact('fleet', garbage, signature, [unknownKey], options)).toMatchObject({
      error: 'Parse',
    });
  });

  test('only unknown algorithms: the first of them is named', () => {
    const result = verifyFleet(fleetDocument(), {}, [{ ...ci.trusted, algorithm: 'x' }, unknownKey]);
    expect(result).toMatchObject({ error: 'UnsupportedAlgorithm', detail: { algorithm: 'x' } });
  });

  test('a malformed key among unknown ones makes it a bad signature', () => {
    const result = verifyFleet(fleetDocument(), {}, [unknownKey, { algorithm: 'ed25519', public: '' }]);
    expect(result).toMatchObject({ error: 'BadSignature', message: expect.stringContaining('1 tried') });
  });

  test('a bad signature comes before a wrong type, version and time', () => {
    const { bytes } = signed({ schemaVersion: 2 });
    expect(verifyArtifact('fleet', bytes, signature, keys, options)).toMatchObject({ error: 'BadSignature' });
  });

  test('a wrong type comes before a wrong version, and its message names the member', () => {
    const result = verifyFleet({
      ...fleetDocument(),
      schemaVersion: 2,
      hosts: { 'web-1': { tags: [], channel: 'c' } },
    });
    expect(result).toMatchObject({
      error: 'Parse',
      detail: {},
      message: expect.stringContaining('hosts["web-1"].system: expected a string'),
    });
  });

  test('a wrong version comes before a missing signing time', () => {
    const result = verifyFleet({ ...signedAt(null), schemaVersion: 2 });
    expect(result).toMatchObject({ error: 'SchemaVersionUnsupported', detail: { version: 2 } });
  });

  test('a missing signing time is no matter of freshness', () => {
    expect(verifyFleet(signedAt(null), { freshnessWindowSeconds: undefined })).toMatchObject({
      error: 'NotSigned',
    });
  });

  test("the slot's cut-off comes before staleness", () => {
    const rejectBefore = at('2026-05-01T00:00:01Z');
    expect(verifyFleet(signedAt('2026-05-01T00:00:00Z'), { rejectBefore })).toMatchObject({
      error: 'RejectedBeforeTimestamp',
      detail: { signed_at: '2026-05-01T00:00:00Z', reject_before: rejectBefore },
    });
  });
});

describe('times, to the nanosecond', () => {
  test.each([
    ['window and slack to the point', '2026-05-15T23:59:00Z', undefined],
    ['a nanosecond older', '2026-05-15T23:58:59.999999999Z', 'Stale'],
    ['the slack ahead to the point', '2026-05-16T01:01:00Z', undefined],
    ['a nanosecond more', '2026-05-16T01:01:00.000000001Z', 'FutureDated'],
    ['with an offset', '2026-05-16T03:01:00+02:00', undefined],
  ])('%s', (_, time, error) => {
    const result = verifyFleet(signedAt(time));
    expect(result.ok ? undefined : result.error).toBe(error);
  });

  test('a refusal tells the times and the limits that it went by', () => {
    expect(verifyFleet(signedAt('2026-05-15T00:00:00Z'))).toMatchObject({
      error: 'Stale',
      detail: {
        signed_at: '2026-05-15T00:00:00Z',
        now: options.now,
        window_secs: options.freshnessWindowSeconds,
      },
    });
    expect(verifyFleet(signedAt('2026-05-17T00:00:00Z'))).toMatchObject({
      error: 'FutureDated',
      detail: { signed_at: '2026-05-17T00:00:00Z', now: options.now, slack_secs: 60 },
    });
  });

  test('a window of zero leaves the slack', () => {
    expect(verifyFleet(signedAt('2026-05-16T00:59:00Z'), { freshnessWindowSeconds: 0 }).ok).toBe(true);
  });

  test('without a window neither age nor future matters: content in force was judged before', () => {
    for (const time of ['2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z']) {
      expect(verifyFleet(signedAt(time), { freshnessWindowSeconds: undefined }).ok).toBe(true);
    }
  });

  test('the cut-off itself passes, a nanosecond before it does not', () => {
    const rejectBefore = at('2026-05-16T01:00:00.000000001Z');
    expect(verifyFleet(signedAt('2026-05-16T01:00:00.000000001Z'), { rejectBefore }).ok).toBe(true);
    expect(verifyFleet(signedAt('2026-05-16T01:00:00Z'), { rejectBefore }).ok).toBe(false);
  });
});

test('ten thousand hosts are verified and read in one go', () => {
  const document = fleetDocument();
  const host = { system: 'x86_64-linux', tags: ['web'], channel: 'stable', closureHash: 'c'.repeat(60) };
  for (let i = 0; i < 10_000; i++) document.hosts[`web-${i}`] = host;
  const result = verifyFleet(document);
  expect(result.ok && Object.keys(result.payload.hosts).length).toBe(10_001);
});
