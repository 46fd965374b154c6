/** The literal examples of agent-protocol.md §9.0, which were computed by the original. */
import { expect, test } from 'vitest';
import { canonicalize, canonicalizeValue } from '../../../src/core/artifacts/canonical-json.ts';
import { sha256Hex } from '../../../src/core/artifacts/hash.ts';
import { projectManifest } from '../../../src/core/artifacts/projection.ts';
import { signDocument } from '../../../src/core/artifacts/sign.ts';
import { verifyArtifact } from '../../../src/core/artifacts/verify.ts';
import { readSshPublicKey } from '../../../src/core/artifacts/ssh-public-key.ts';
import { at, edKey } from './fixtures.ts';

const orgRoot = edKey(1);
const host = edKey(2);
const ci = edKey(3);

const HOST_LINE = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU';
const CLAIMS =
  '{"expectedPubkeyFingerprint":"ajgD1fBZkCocba+8m6RykhL3yqwIY0zDrnaydSnwOCc=","expiresAt":"2026-06-02T09:00:00Z","hostname":"web-01","issuedAt":"2026-06-01T09:00:00Z","nonce":"000102030405060708090a0b0c0d0e0f"}';
const FLEET =
  '{"channelEdges":[],"channels":{"stable":{"freshnessWindow":120,"reconcileIntervalMinutes":5,"rolloutPolicy":"canary","signingIntervalMinutes":30}},"disruptionBudgets":[],"edges":[],"hosts":{"web-01":{"channel":"stable","closureHash":"1111111111111111111111111111111a-nixos-system-web-01-26.05","platform":"x86_64-linux","pubkey":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU","tags":["web"]}},"meta":{"ciCommit":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","schemaVersion":1,"signatureAlgorithm":"ed25519","signedAt":"2026-06-01T09:55:00Z"},"rolloutPolicies":{"canary":{"healthGate":{},"onHealthFailure":"rollback-and-halt","strategy":"canary","waves":[{"selector":{"all":true,"channel":null,"hosts":[],"tags":[],"tagsAny":[]},"soakMinutes":5}]}},"schemaVersion":1,"waves":{"stable":[{"hosts":["web-01"],"soakMinutes":5}]}}';
const FLEET_HASH = '882f4e73aa7a15d4c96d64ff707c4356d9f0619888263785bc0dfe3b068485d8';
const FLEET_SIGNATURE =
  '60RI7kW1/mim4k8PA2YaWyqZlcaEX2AWLSkLjtQAZD6a3GXzHuiZZzp8R20dfgNCyvIhTesgxRNQR5X5CnvqBA==';
const MANIFEST =
  '{"channel":"stable","channelRef":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","displayName":"stable@a1b2c3d4","disruptionBudgets":[],"fleetResolvedHash":"882f4e73aa7a15d4c96d64ff707c4356d9f0619888263785bc0dfe3b068485d8","healthGate":{},"hostSet":[{"hostname":"web-01","targetClosure":"1111111111111111111111111111111a-nixos-system-web-01-26.05","waveIndex":0}],"meta":{"ciCommit":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","schemaVersion":1,"signatureAlgorithm":"ed25519","signedAt":"2026-06-01T09:55:00Z"},"schemaVersion":1}';
const MANIFEST_SIGNATURE =
  'XWcSZbqeopH1NhmcyvfZ/cObT04JIDFbT/aLHLyZRFden2ndzljJ/dC8wxAABqCqY5JPd7pl60fhrqsRycEJAg==';

const options = { now: at('2026-06-01T10:00:00Z'), freshnessWindowSeconds: 3600 };

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

test('the public keys of the published seeds', () => {
  expect(orgRoot.trusted.public).toBe('iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=');
  expect(ci.trusted.public).toBe('7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=');
  const key = readSshPublicKey(HOST_LINE);
  expect(key?.algorithm === 'ssh-ed25519' && base64(key.raw)).toBe(host.trusted.public);
});

test('the claims of an enrolment token, and their signature by the org root', () => {
  const shuffled = JSON.stringify(
    Object.fromEntries(Object.entries(JSON.parse(CLAIMS)).toReversed()),
    null,
    2,
  );
  const signed = signDocument(shuffled, orgRoot);
  expect(signed.canonical).toBe(CLAIMS);
  expect(base64(signed.signature)).toBe(
    '08iiCuFvWxU/8arojBnOFelqyxwiT+wawhMLolDsLjREuuhJf8RvIVNufhd/hzWrzRygC62Q1rMijL7URtgKDg==',
  );
});

test('the fleet: canonical as it stands, its hash, its signature by CI', () => {
  expect(canonicalize(FLEET)).toMatchObject({ ok: true, canonical: FLEET });
  expect(sha256Hex(FLEET)).toBe(FLEET_HASH);
  expect(base64(signDocument(FLEET, ci).signature)).toBe(FLEET_SIGNATURE);
  const result = verifyArtifact(
    'fleet',
    Buffer.from(FLEET),
    Buffer.from(FLEET_SIGNATURE, 'base64'),
    [ci.trusted],
    options,
  );
  expect(result).toMatchObject({
    ok: true,
    canonicalSha256: FLEET_HASH,
    payload: {
      hosts: { 'web-01': { system: 'x86_64-linux', closureHash: expect.stringMatching(/^1{31}a-/) } },
    },
  });
});

test('the manifest: what projection makes of the fleet, its signature, its rollout id', () => {
  const fleet = verifyArtifact(
    'fleet',
    Buffer.from(FLEET),
    Buffer.from(FLEET_SIGNATURE, 'base64'),
    [ci.trusted],
    options,
  );
  if (!fleet.ok) throw new Error(fleet.message);
  const projection = projectManifest(fleet.payload, 'stable', fleet.canonicalSha256);
  if (!projection.ok) throw new Error(projection.error);
  expect(canonicalizeValue(projection.manifest)).toBe(MANIFEST);
  expect(base64(signDocument(MANIFEST, ci).signature)).toBe(MANIFEST_SIGNATURE);
  const manifest = verifyArtifact(
    'rollout_manifest',
    Buffer.from(MANIFEST),
    Buffer.from(MANIFEST_SIGNATURE, 'base64'),
    [ci.trusted],
    options,
  );
  expect(manifest).toMatchObject({ ok: true, rolloutId: 'stable@a1b2c3d4e5f60718293a4b5c6d7e8f9001122334' });
});
