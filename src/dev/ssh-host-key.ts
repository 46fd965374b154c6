import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';

/** An SSH host key pair as `ssh-keygen -t ed25519 -N ''` writes it. */
export interface SshHostKey {
  /** The text of `ssh_host_ed25519_key`. */
  readonly privateText: string;
  /** The line of `ssh_host_ed25519_key.pub`, without its end of line. */
  readonly publicLine: string;
}

const BLOCK = 8;
const LINE = 70;

/** Makes a host key; of a seed of 32 bytes always the same, apart from the check number in the private part. */
export function makeSshHostKey(comment: string, seed?: Uint8Array): SshHostKey {
  const [secret, publicKey] = seed === undefined ? newKey() : derived(seed);
  const kind = string('ssh-ed25519');
  const publicBlob = Buffer.concat([kind, string(publicKey)]);
  const check = randomBytes(4);
  const own = [
    check,
    check,
    kind,
    string(publicKey),
    string(Buffer.concat([secret, publicKey])),
    string(comment),
  ];
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    number(1),
    string(publicBlob),
    string(padded(Buffer.concat(own))),
  ]);
  const lines = blob.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return {
    privateText: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicLine: `ssh-ed25519 ${publicBlob.toString('base64')} ${comment}`.trim(),
  };
}

/** What precedes the 32 bytes of the seed in a PKCS#8 document of an ed25519 key (RFC 8410 §7). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

function newKey(): [Buffer, Buffer] {
  const { privateKey } = generateKeyPairSync('ed25519');
  return derived(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
}

function derived(seed: Uint8Array): [Buffer, Buffer] {
  const der = Buffer.concat([PKCS8_HEADER, seed]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return [Buffer.from(seed), key.export({ format: 'der', type: 'spki' }).subarray(-32)];
}

function string(content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Filled with 1, 2, 3 … to whole blocks. */
function padded(bytes: Buffer): Buffer {
  const missing = (BLOCK - (bytes.length % BLOCK)) % BLOCK;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}
