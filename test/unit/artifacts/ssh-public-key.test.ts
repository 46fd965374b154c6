import { describe, expect, test } from 'vitest';
import { readSshPublicKey } from '../../../src/core/artifacts/ssh-public-key.ts';

const KEY = Buffer.alloc(32, 7);
const P256 = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
const P384 = Buffer.concat([Buffer.of(4), Buffer.alloc(96, 1)]);
const P521 = Buffer.concat([Buffer.of(4), Buffer.alloc(132, 1)]);
const INTEGER = Buffer.of(1, 0, 1);

type Strings = readonly (string | Uint8Array)[];

function blobOf(strings: Strings): Buffer {
  return Buffer.concat(
    strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A line whose leading word is also the first string of its blob. */
function line(algorithm: string, ...fields: Strings): string {
  return `${algorithm} ${blobOf([algorithm, ...fields]).toString('base64')}`;
}

describe('a host key', () => {
  test.each([
    ['without comment', line('ssh-ed25519', KEY)],
    ['with a comment of several words', `${line('ssh-ed25519', KEY)} root@web 01`],
    ['with blanks around it', `  ${line('ssh-ed25519', KEY)}\n`],
  ])('%s is read', (_, text) => {
    expect(readSshPublicKey(text)).toEqual({ algorithm: 'ssh-ed25519', raw: KEY });
  });

  test('may begin with zeros, as no integer may', () => {
    const raw = Buffer.concat([Buffer.alloc(2), KEY.subarray(2)]);
    expect(readSshPublicKey(line('ssh-ed25519', raw))).toEqual({ algorithm: 'ssh-ed25519', raw });
  });

  test.each<[string, Strings]>([
    ['ssh-rsa', [INTEGER, INTEGER]],
    ['ssh-dss', [INTEGER, INTEGER, INTEGER, INTEGER]],
    ['ecdsa-sha2-nistp256', ['nistp256', P256]],
    ['ecdsa-sha2-nistp384', ['nistp384', P384]],
    ['ecdsa-sha2-nistp521', ['nistp521', P521]],
    ['sk-ssh-ed25519@openssh.com', [KEY, 'ssh:']],
    ['sk-ecdsa-sha2-nistp256@openssh.com', ['nistp256', P256, 'ssh:']],
    ['own@example.org', ['anything']],
  ])('of algorithm %s is known, but no use', (algorithm, fields) => {
    expect(readSshPublicKey(line(algorithm, ...fields))).toEqual({ algorithm: 'other' });
  });

  test.each<[string, Buffer]>([
    ['a high bit behind a leading zero', Buffer.of(0, 0x80)],
    ['nothing, which is zero', Buffer.alloc(0)],
  ])('may have an integer of %s', (_, integer) => {
    expect(readSshPublicKey(line('ssh-rsa', INTEGER, integer))).toEqual({ algorithm: 'other' });
  });
});

describe('no host key', () => {
  const cut = (text: string, bytes: number): string => {
    const [algorithm = '', base64 = ''] = text.split(' ');
    return `${algorithm} ${Buffer.from(base64, 'base64').subarray(0, -bytes).toString('base64')}`;
  };

  test.each<[string, string]>([
    ['nothing', ''],
    ['one word', 'ssh-ed25519'],
    ['a tab between the words', line('ssh-ed25519', KEY).replace(' ', '\t')],
    ['something glued to the blob', `${line('ssh-ed25519', KEY)}!`],
    [
      'a blob in URL base64',
      `ssh-ed25519 ${blobOf(['ssh-ed25519', Buffer.alloc(32, 0xff)]).toString('base64url')}`,
    ],
    ['a blob without padding', line('ssh-rsa', INTEGER, INTEGER).replace(/=+$/, '')],
    ['an unknown algorithm', line('ssh-ed448', KEY)],
    ['a private algorithm with two @', line('a@b@c', 'anything')],
    ['a private algorithm without a domain', line('a@', 'anything')],
    ['a private algorithm with two strings', line('own@example.org', 'a', 'b')],
    ['another algorithm in the blob', `ssh-ed25519 ${blobOf(['ssh-ed448', KEY]).toString('base64')}`],
    ['an empty blob', 'ssh-ed25519 AAAAAA=='],
    ['a blob of nothing but its name', line('ssh-ed25519')],
    ['31 bytes of key', line('ssh-ed25519', KEY.subarray(1))],
    ['a string too many', line('ssh-ed25519', KEY, 'more')],
    ['a blob that is cut', cut(line('ssh-ed25519', KEY), 1)],
    ['a blob that is cut within an integer', cut(line('ssh-rsa', INTEGER, INTEGER), 1)],
    [
      'a blob cut within a length',
      `ssh-rsa ${Buffer.concat([blobOf(['ssh-rsa', INTEGER, INTEGER]), Buffer.alloc(3)]).toString('base64')}`,
    ],
    ['an RSA key of one integer', line('ssh-rsa', INTEGER)],
    ['an integer with a needless zero', line('ssh-rsa', INTEGER, Buffer.of(0, 0x7f))],
    ['an integer of a single zero', line('ssh-rsa', INTEGER, Buffer.of(0))],
    ['another curve than its algorithm', line('ecdsa-sha2-nistp256', 'nistp384', P256)],
    ['a point that is too short', line('ecdsa-sha2-nistp256', 'nistp256', P256.subarray(0, 64))],
    [
      'a compressed point',
      line('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.of(2), P256.subarray(1)])),
    ],
    ['a curve without point', line('ecdsa-sha2-nistp256', 'nistp256')],
    ['a security key without application', line('sk-ssh-ed25519@openssh.com', KEY)],
    ['a security key of 31 bytes', line('sk-ssh-ed25519@openssh.com', KEY.subarray(1), 'ssh:')],
  ])('is %s', (_, text) => {
    expect(readSshPublicKey(text)).toBeUndefined();
  });
});
