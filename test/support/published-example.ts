/** The documents of agent-protocol.md §9.0, byte for byte. */

/** Seeds of the three ed25519 keys. */
export const ORG_ROOT_SEED = Buffer.alloc(32, 1);
export const HOST_SEED = Buffer.alloc(32, 2);
export const CI_SEED = Buffer.alloc(32, 3);

export const TARGET = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
export const PRIOR = '0000000000000000000000000000000p-nixos-system-web-01-26.05';
export const ROLLOUT_ID = 'stable@a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

export const NONCE = '000102030405060708090a0b0c0d0e0f';
export const TOKEN =
  '{"version":1,"claims":{"hostname":"web-01","expectedPubkeyFingerprint":"ajgD1fBZkCocba+8m6RykhL3yqwIY0zDrnaydSnwOCc=","issuedAt":"2026-06-01T09:00:00Z","expiresAt":"2026-06-02T09:00:00Z","nonce":"000102030405060708090a0b0c0d0e0f"},"signature":"08iiCuFvWxU/8arojBnOFelqyxwiT+wawhMLolDsLjREuuhJf8RvIVNufhd/hzWrzRygC62Q1rMijL7URtgKDg=="}';

export const FLEET =
  '{"channelEdges":[],"channels":{"stable":{"freshnessWindow":120,"reconcileIntervalMinutes":5,"rolloutPolicy":"canary","signingIntervalMinutes":30}},"disruptionBudgets":[],"edges":[],"hosts":{"web-01":{"channel":"stable","closureHash":"1111111111111111111111111111111a-nixos-system-web-01-26.05","platform":"x86_64-linux","pubkey":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU","tags":["web"]}},"meta":{"ciCommit":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","schemaVersion":1,"signatureAlgorithm":"ed25519","signedAt":"2026-06-01T09:55:00Z"},"rolloutPolicies":{"canary":{"healthGate":{},"onHealthFailure":"rollback-and-halt","strategy":"canary","waves":[{"selector":{"all":true,"channel":null,"hosts":[],"tags":[],"tagsAny":[]},"soakMinutes":5}]}},"schemaVersion":1,"waves":{"stable":[{"hosts":["web-01"],"soakMinutes":5}]}}';
export const FLEET_SIGNATURE =
  '60RI7kW1/mim4k8PA2YaWyqZlcaEX2AWLSkLjtQAZD6a3GXzHuiZZzp8R20dfgNCyvIhTesgxRNQR5X5CnvqBA==';
export const MANIFEST =
  '{"channel":"stable","channelRef":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","displayName":"stable@a1b2c3d4","disruptionBudgets":[],"fleetResolvedHash":"882f4e73aa7a15d4c96d64ff707c4356d9f0619888263785bc0dfe3b068485d8","healthGate":{},"hostSet":[{"hostname":"web-01","targetClosure":"1111111111111111111111111111111a-nixos-system-web-01-26.05","waveIndex":0}],"meta":{"ciCommit":"a1b2c3d4e5f60718293a4b5c6d7e8f9001122334","schemaVersion":1,"signatureAlgorithm":"ed25519","signedAt":"2026-06-01T09:55:00Z"},"schemaVersion":1}';
export const MANIFEST_SIGNATURE =
  'XWcSZbqeopH1NhmcyvfZ/cObT04JIDFbT/aLHLyZRFden2ndzljJ/dC8wxAABqCqY5JPd7pl60fhrqsRycEJAg==';
