import { decodeBase64 } from './base64.ts';
import { canonicalize } from './canonical-json.ts';
import { verifyEd25519 } from './keys.ts';
import { readSshPublicKey } from './ssh-public-key.ts';

const SIGNATURE_BYTES = 64;

/** What is known about who made a piece of probe evidence, in v0.2's words. */
export type EvidenceStatus =
  'unsigned' | 'no-pubkey' | 'malformed' | 'wrong-algorithm' | 'mismatch' | 'verified';

/**
 * Checks a host's signature over its probe evidence (planner.md §6). `hostKey` is the OpenSSH line of the fleet's host,
 * `signature` padded base64; each may be absent. Evidence that is no JSON is `malformed`.
 */
export function verifyEvidence(
  payload: string,
  hostKey: string | null,
  signature: string | null,
): EvidenceStatus {
  const document = canonicalize(payload);
  if (!document.ok) return 'malformed';
  if (signature === null) return 'unsigned';
  if (hostKey === null) return 'no-pubkey';
  const key = readSshPublicKey(hostKey);
  if (key === undefined) return 'malformed';
  if (key.algorithm !== 'ssh-ed25519') return 'wrong-algorithm';
  const raw = decodeBase64(signature);
  if (raw?.length !== SIGNATURE_BYTES) return 'malformed';
  return verifyEd25519(key.raw, Buffer.from(document.canonical), raw) ? 'verified' : 'mismatch';
}

/** Whether evidence of that status is heard at all: only a signature that is wrong disqualifies it. */
export function countsForGate(status: EvidenceStatus): boolean {
  return status !== 'mismatch' && status !== 'malformed';
}
