import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HOST_FINGERPRINT, HOST_LINE, run, Workplace } from './harness.ts';

/** A private key file of OpenSSH as far as its public half goes; what follows is for those who have the passphrase. */
function opensshPrivateKey(cipher: string, kdf: string): string {
  const blob = Buffer.from(HOST_LINE.split(' ')[1] ?? '', 'base64');
  const count = Buffer.from([0, 0, 0, 1]);
  const strings = [cipher, kdf, kdf === 'none' ? '' : 'salt and rounds'].map(sshString);
  const magic = Buffer.from('openssh-key-v1\0');
  const bytes = Buffer.concat([magic, ...strings, count, sshString(blob), sshString('the private half')]);
  const lines = bytes.toString('base64').replaceAll(/.{70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function sshString(content: string | Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, Buffer.from(content)]);
}

describe('keygen', () => {
  test.each([
    ['ed25519', 32],
    ['ecdsa-p256', 64],
  ])(
    'makes a private %s key for its owner alone, and prints the public half only',
    async (algorithm, size) => {
      const place = new Workplace();
      const key = place.path('k.pem');
      const publicOut = place.path('k.json');
      const args = ['keygen', '--algorithm', algorithm, '--out', key, '--public-out', publicOut];
      const { code, out, err } = await run(args);
      expect(code).toBe(0);
      expect(statSync(key).mode & 0o777).toBe(0o600);
      const printed = JSON.parse(out);
      expect(printed).toEqual({ algorithm, public: expect.any(String) });
      expect(Buffer.from(printed.public, 'base64')).toHaveLength(size);
      expect(place.json('k.json')).toEqual(printed);
      expect(out + err).not.toContain('PRIVATE');
      expect(JSON.parse((await run(['derive-pubkey', key])).out)).toEqual(printed);
    },
  );

  test('never overwrites a key', async () => {
    const place = new Workplace();
    const key = place.write('k.pem', 'precious');
    expect(await run(['keygen', '--out', key])).toMatchObject({
      code: 2,
      err: expect.stringContaining('exists already'),
    });
    expect(place.read('k.pem').toString()).toBe('precious');
    expect(readdirSync(place.folder)).toEqual(['k.pem']);
  });

  test('prints no private key, not even when asked to', async () => {
    expect(await run(['keygen', '--out', '-'])).toMatchObject({ code: 2, out: '' });
  });

  test('says which folder is missing', async () => {
    const place = new Workplace();
    const { code, err } = await run(['keygen', '--out', place.path('no/k.pem')]);
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringMatching(/folder .*\/no does not exist/),
    });
  });
});

describe('derive-pubkey', () => {
  const spki = { type: 'spki', format: 'pem' } as const;
  const sec1 = { type: 'sec1', format: 'pem' } as const;

  test('reads a public PEM key and a private one in SEC 1 form alike', async () => {
    const pair = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: spki,
      privateKeyEncoding: sec1,
    });
    const of = async (stdin: string) => JSON.parse((await run(['derive-pubkey', '-'], { stdin })).out);
    const derived = await of(pair.publicKey);
    expect(derived).toMatchObject({ algorithm: 'ecdsa-p256' });
    expect(await of(pair.privateKey)).toEqual(derived);
  });

  test('gives the published fingerprint of the published host key', async () => {
    const { out } = await run(['derive-pubkey', '-'], { stdin: `${HOST_LINE} root@web-01\n` });
    expect(JSON.parse(out)).toEqual({
      algorithm: 'ed25519',
      public: expect.stringMatching(/^.{43}=$/),
      expectedPubkeyFingerprint: HOST_FINGERPRINT,
      pubkey: HOST_LINE,
    });
  });

  test.each([
    ['a private host key', opensshPrivateKey('none', 'none')],
    ['an encrypted one', opensshPrivateKey('aes256-ctr', 'bcrypt')],
  ])('takes the public half of %s', async (_, stdin) => {
    const derived = await run(['derive-pubkey', '-'], { stdin });
    expect(derived).toMatchObject({ code: 0, err: '' });
    expect(derived.out).toBe((await run(['derive-pubkey', '-'], { stdin: HOST_LINE })).out);
  });

  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    publicKeyEncoding: spki,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  test.each([
    ['no key', 'hello', /neither an unencrypted PEM key nor an OpenSSH key/],
    ['an RSA key', rsa.publicKey, /of type RSA/],
    ['an SSH key of another algorithm', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQM=', /ssh-ed25519 host key/],
    [
      'a damaged private key',
      opensshPrivateKey('none', 'none').replace(/^(?<head>.{40})[^-]+/m, '$<head>\n'),
      /damaged OpenSSH private key/,
    ],
    ['bytes that are no text', Buffer.from([0xff]), /not UTF-8/],
  ])('refuses %s', async (_, stdin, message) => {
    expect(await run(['derive-pubkey', '-'], { stdin })).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(message),
    });
  });
});

test('canonicalize prints the bytes that are signed, and nothing behind them', async () => {
  const { out, err } = await run(['canonicalize', '-'], { stdin: '{"b":1.0, "a":"\\u00e9"}\n' });
  expect({ out, err }).toEqual({ out: '{"a":"é","b":1}', err: '' });
  const { out: hash } = await run(['canonicalize', '--sha256', '-'], { stdin: '{}' });
  expect(hash).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n');
});

test('canonicalize refuses what signed documents may not hold', async () => {
  const outcome = await run(['canonicalize', '-'], { stdin: '[1e400]' });
  expect(outcome).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/stdin cannot be read as JSON/),
  });
});

const SSH_KEYGEN = '/usr/bin/ssh-keygen';

describe.skipIf(!existsSync(SSH_KEYGEN))('with ssh-keygen', () => {
  test('a host key made now gives the line in its .pub file', async () => {
    const place = new Workplace();
    const key = place.path('host');
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
    const { out } = await run(['derive-pubkey', key]);
    expect(JSON.parse(out).pubkey).toBe(place.read('host.pub').toString().trim());
  });
});
