import { createPublicKey, type KeyObject } from 'node:crypto';
import type { TrustedKey } from '../api/artifacts/trust-config.ts';
import { publicKeyFingerprint } from '../core/artifacts/bootstrap-token.ts';
import { readSshPublicKey } from '../core/artifacts/ssh-public-key.ts';
import { badInput } from './cli-error.ts';

/** An SSH host key as the fleet and the bootstrap tokens know it. */
export interface HostKey {
  readonly trusted: TrustedKey;
  /** As `claims.expectedPubkeyFingerprint` of a token has it (agent-protocol.md §1.6). */
  readonly fingerprint: string;
  /** As `hosts.<name>.pubkey` of the fleet has it. */
  readonly line: string;
}

const OPENSSH_PRIVATE =
  /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z\d+/=\s]+)-----END OPENSSH PRIVATE KEY-----/;
const OPENSSH_MAGIC = 'openssh-key-v1\0';
const ED25519 = 'ssh-ed25519';

/** The Ed25519 host key in an OpenSSH key file, private or public. Undefined where the text is no OpenSSH key. */
export function readHostKey(name: string, text: string): HostKey | undefined {
  const line = publicLineOfPrivate(name, text) ?? text.trim();
  const key = readSshPublicKey(line);
  if (key === undefined) return undefined;
  if (key.algorithm !== ED25519)
    throw badInput(`${name} is an SSH key of another algorithm: agents need an ${ED25519} host key`);
  return hostKey(key.raw);
}

/** The key that trust.json needs to believe what the PEM key in the text signs; a private key is enough. */
export function readTrustedKey(name: string, text: string): TrustedKey {
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw badInput(
      `${name} is neither an unencrypted PEM key nor an OpenSSH key: give one of Ed25519 or P-256`,
      cause,
    );
  }
  const { kty, crv, x = '', y = '' } = key.export({ format: 'jwk' });
  if (kty === 'OKP' && crv === 'Ed25519') return { algorithm: 'ed25519', public: toBase64(x) };
  if (kty === 'EC' && crv === 'P-256') return { algorithm: 'ecdsa-p256', public: toBase64(x, y) };
  throw badInput(`${name} is a key of type ${crv ?? kty ?? 'unknown'}: give one of Ed25519 or P-256`);
}

function hostKey(raw: Uint8Array): HostKey {
  const blob = Buffer.concat([Buffer.from(ED25519), raw].flatMap((part) => [lengthOf(part), part]));
  return {
    trusted: { algorithm: 'ed25519', public: Buffer.from(raw).toString('base64') },
    fingerprint: publicKeyFingerprint(raw),
    line: `${ED25519} ${blob.toString('base64')}`,
  };
}

/** The public half stands in the clear in front, even where the private one is encrypted (PROTOCOL.key of OpenSSH). */
function publicLineOfPrivate(name: string, text: string): string | undefined {
  const [, base64] = OPENSSH_PRIVATE.exec(text) ?? [];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('latin1', 0, OPENSSH_MAGIC.length) !== OPENSSH_MAGIC) throw damaged(name);
  let at = OPENSSH_MAGIC.length;
  for (let skipped = 0; skipped < 3; skipped++) at += readString(name, bytes, at).length + 4;
  const blob = readString(name, bytes, at + 4);
  const algorithm = readString(name, blob, 0).toString('latin1');
  return `${algorithm} ${blob.toString('base64')}`;
}

function readString(name: string, bytes: Buffer, at: number): Buffer {
  if (at + 4 > bytes.length) throw damaged(name);
  const end = at + 4 + bytes.readUInt32BE(at);
  if (end > bytes.length) throw damaged(name);
  return bytes.subarray(at + 4, end);
}

function damaged(name: string): Error {
  return badInput(`${name} is a damaged OpenSSH private key: copy it anew, or give the .pub file beside it`);
}

function lengthOf(part: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return length;
}

function toBase64(...parts: readonly string[]): string {
  return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64url'))).toString('base64');
}
