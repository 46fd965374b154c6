/** Hostile artifacts, tokens and certificate requests: nothing throws, and nothing that was changed is believed. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Timestamp } from '../../src/api/time.ts';
import { bootstrapTokenSchema } from '../../src/api/wire/enroll.ts';
import { verifyBootstrapToken } from '../../src/core/artifacts/bootstrap-token.ts';
import { canonicalizeBytes } from '../../src/core/artifacts/canonical-json.ts';
import { readTrust } from '../../src/core/artifacts/key-slots.ts';
import { signDocument } from '../../src/core/artifacts/sign.ts';
import { readSshPublicKey } from '../../src/core/artifacts/ssh-public-key.ts';
import { verifyArtifact } from '../../src/core/artifacts/verify.ts';
import { readLedger } from '../../src/core/enrolment/revocation-ledger.ts';
import { decodeJson } from '../../src/webhook/body.ts';
import { readCertificateRequest } from '../../src/webhook/certificate-request.ts';
import { newEnrolmentScene, newHostKey, newSigningKey } from '../support/enrolment.ts';
import { FLEET, MANIFEST } from '../support/published-example.ts';
import { createAgentCa } from '../../src/dev/agent-ca.ts';
import { hostileJson, type Payload } from './support/hostile-json.ts';
import { LIMIT_MS, runs } from './support/runs.ts';

const NOW = '2026-06-01T10:00:00Z' as Timestamp;
const ci = newSigningKey();
const meta = { schemaVersion: 1, signedAt: NOW, ciCommit: null };
const documents = {
  fleet: FLEET,
  rollout_manifest: MANIFEST,
  revocations: JSON.stringify({
    schemaVersion: 1,
    revocations: [{ hostname: 'web-01', notBefore: NOW }],
    meta,
  }),
  bootstrap_nonces: JSON.stringify({
    schemaVersion: 1,
    bootstrapNonces: [{ nonce: '0'.repeat(32), hostname: 'web-01', expiresAt: NOW }],
    meta,
  }),
} as const;
const kinds = ['fleet', 'rollout_manifest', 'revocations', 'bootstrap_nonces'] as const;
const options = { now: NOW, freshnessWindowSeconds: 3600 };

function bytesOf(payload: Payload): Buffer {
  return Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
}

describe.each(kinds)('a document of kind %s', (kind) => {
  const { signature } = signDocument(documents[kind], ci);
  const signed = canonicalizeBytes(Buffer.from(documents[kind]));

  test(
    'under the signature of another text is refused',
    () => {
      fc.assert(
        fc.property(hostileJson(JSON.parse(documents[kind]) as object), (payload) => {
          const bytes = bytesOf(payload);
          const verdict = verifyArtifact(kind, bytes, signature, [ci.trusted], options);
          const canonical = canonicalizeBytes(bytes);
          const same = canonical.ok && signed.ok && canonical.canonical === signed.canonical;
          expect(verdict.ok).toBe(same);
        }),
        runs(1.5),
      );
    },
    LIMIT_MS,
  );

  test(
    'that CI itself signed, whatever it says, is read whole or refused by name',
    () => {
      fc.assert(
        fc.property(hostileJson(JSON.parse(documents[kind]) as object), (payload) => {
          const canonical = canonicalizeBytes(bytesOf(payload));
          if (!canonical.ok) return;
          const own = Buffer.from(ci.sign(Buffer.from(canonical.canonical)));
          const verdict = verifyArtifact(kind, bytesOf(payload), own, [ci.trusted], options);
          if (!verdict.ok) expect(verdict.error).toMatch(/^[A-Z][A-Za-z]+$/);
        }),
        runs(1),
      );
    },
    LIMIT_MS,
  );

  test('with a changed signature is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const verdict = verifyArtifact(
          kind,
          Buffer.from(documents[kind]),
          Buffer.from(bytes),
          [ci.trusted],
          options,
        );
        expect(verdict.ok).toBe(false);
      }),
      runs(0.5),
    );
  });
});

test(
  'a bootstrap token whose claims were changed is never genuine',
  async () => {
    const scene = newEnrolmentScene(await createAgentCa(), { from: NOW, until: NOW });
    const token = scene.token(newHostKey('web-01'));
    const attack = fc.oneof(
      hostileJson(token),
      hostileJson(token.claims).map(
        (claims) => `{"version":1,"claims":${String(claims)},"signature":"${token.signature}"}`,
      ),
    );
    fc.assert(
      fc.property(attack, (payload) => {
        const read = decodeJson(bytesOf(payload), bootstrapTokenSchema);
        if (!read.ok) return;
        const verdict = verifyBootstrapToken(read.value, [scene.orgRoot.trusted]);
        const same = JSON.stringify(read.value) === JSON.stringify(token);
        expect(verdict === 'Genuine').toBe(same);
      }),
      runs(3),
    );
  },
  LIMIT_MS,
);

describe('a certificate request', () => {
  let pem: string;
  let der: Buffer;

  beforeAll(async () => {
    pem = await newHostKey('web-01').csr();
    der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  });

  const wrapped = (bytes: Buffer): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

  test(
    'with any of its bytes changed, cut or added is refused',
    () => {
      expect(readCertificateRequest(wrapped(der))?.commonName).toBe('web-01');
      fc.assert(
        fc.property(
          fc.nat({ max: 400 }),
          fc.integer({ min: 1, max: 255 }),
          fc.constantFrom('flip', 'cut', 'insert', 'append'),
          (at, value, how) => {
            const place = at % der.length;
            const changed = {
              flip: () =>
                Buffer.concat([
                  der.subarray(0, place),
                  Buffer.from([(der[place] ?? 0) ^ value]),
                  der.subarray(place + 1),
                ]),
              cut: () => der.subarray(0, place),
              insert: () =>
                Buffer.concat([der.subarray(0, place), Buffer.from([value]), der.subarray(place)]),
              append: () => Buffer.concat([der, Buffer.from([value])]),
            }[how]();
            const read = readCertificateRequest(wrapped(changed));
            // What the signature does not cover can change without harm: the name and key stay those that were signed.
            if (read !== undefined) {
              expect([read.commonName, read.ed25519]).toEqual(['web-01', true]);
              expect(changed.indexOf(der.subarray(4, der.length - 80))).toBeGreaterThan(0);
            }
          },
        ),
        runs(5),
      );
    },
    LIMIT_MS,
  );

  test(
    'of arbitrary bytes, nested sequences or other PEM is refused, and quickly',
    () => {
      const nest = (depth: number): Buffer => {
        let inner = Buffer.alloc(0);
        for (let level = 0; level < depth; level += 1) {
          const length =
            inner.length < 0x80 ? [inner.length] : [0x82, inner.length >> 8, inner.length & 0xff];
          inner = Buffer.concat([Buffer.from([0x30, ...length]), inner]);
        }
        return inner;
      };
      const text = fc.oneof(
        fc.uint8Array({ maxLength: 600 }).map((bytes) => wrapped(Buffer.from(bytes))),
        fc.integer({ min: 1, max: 3000 }).map((depth) => wrapped(nest(depth))),
        fc
          .integer({ min: 1, max: 16_000 })
          .map((length) => `-----BEGIN CERTIFICATE REQUEST-----${' '.repeat(length)}`),
        fc.integer({ min: 1, max: 16_000 }).map((length) => `${'\n'.repeat(length)}-----BEGIN`),
        fc.string({ maxLength: 300 }),
        fc
          .constantFrom('CERTIFICATE', 'PRIVATE KEY', 'X')
          .map((label) => pem.replaceAll('CERTIFICATE REQUEST', label)),
        fc.constant(`${pem}${pem}`),
        fc.constant('A'.repeat(2_000_000)),
      );
      fc.assert(
        fc.property(text, (request) => {
          expect(readCertificateRequest(request)).toBeUndefined();
        }),
        runs(3),
      );
    },
    LIMIT_MS,
  );
});

test('host keys, trust configs and ledgers of arbitrary text are refused without a throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 300 })),
      (text) => {
        expect(readSshPublicKey(text)).toBeUndefined();
        expect(readSshPublicKey(`ssh-ed25519 ${text}`)).toBeUndefined();
        expect(readTrust(text).ok).toBe(false);
        const ledger = readLedger(text);
        if (ledger !== undefined) expect(ledger.size).toBe(0);
      },
    ),
    runs(3),
  );
});
