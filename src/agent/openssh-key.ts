/** An SSH host key as the agent reads it: unencrypted OpenSSH format, ed25519 only (agent-protocol.md §2.3, §10). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** The key that identifies a host towards the control plane. */
export interface HostKey {
  readonly privateKey: KeyObject;
  /** The raw 32 bytes of the public key. */
  readonly publicKey: Uint8Array;
  /** The private key as TLS wants it: PKCS#8 in PEM. */
  readonly keyPem: string;
}

const PEM = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/;
const MAGIC = 'openssh-key-v1\0';
/** What comes before the 32 bytes of the seed in a PKCS#8 document of an ed25519 key (RFC 8410 §7). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
const CHECK_BYTES = 8;

/** Reads `ssh_host_ed25519_key`. Throws, saying why, where it is another kind of key or locked with a passphrase. */
export function readHostKey(text: string): HostKey {
  const blob = Buffer.from(PEM.exec(text)?.[1] ?? '', 'base64');
  if (blob.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new Error('the host key is not in OpenSSH format: give ssh_host_ed25519_key');
  }
  const strings = new SshStrings(blob.subarray(MAGIC.length));
  const cipher = strings.next().toString('latin1');
  if (cipher !== 'none') throw new Error('the host key has a passphrase: give one without');
  strings.next(); // key derivation
  strings.next(); // its options
  strings.skip(4); // the number of keys
  strings.next(); // the public key, which the private part repeats
  const own = new SshStrings(strings.next());
  own.skip(CHECK_BYTES);
  const kind = own.next().toString('latin1');
  if (kind !== 'ssh-ed25519') throw new Error(`the host key is ${kind}: give ssh_host_ed25519_key`);
  const publicKey = own.next();
  return hostKeyOf(own.next().subarray(0, SEED_BYTES), publicKey);
}

function hostKeyOf(seed: Buffer, publicKey: Buffer): HostKey {
  const der = Buffer.concat([PKCS8_HEADER, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const derived = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-SEED_BYTES);
  if (!derived.equals(publicKey)) throw new Error('the host key’s two halves do not belong together');
  return {
    privateKey,
    publicKey,
    keyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** Length-prefixed strings, one after the other (RFC 4251 §5). */
class SshStrings {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): Buffer {
    const start = this.#at + 4;
    const end = start + (start <= this.#bytes.length ? this.#bytes.readUInt32BE(this.#at) : 0);
    if (start > this.#bytes.length || end > this.#bytes.length) throw new Error('the host key is cut short');
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }
}
