import { describe, expect, test } from 'vitest';
import { canonicalizeValue } from '../../../src/core/artifacts/canonical-json.ts';
import { countsForGate, verifyEvidence } from '../../../src/core/artifacts/evidence.ts';
import { edKey } from './fixtures.ts';

const host = edKey(2);
const payload = '{"hostname":"web-1", "controls":[]}';
const signature = Buffer.from(host.sign(Buffer.from(canonicalizeValue(JSON.parse(payload))))).toString(
  'base64',
);

function string(bytes: Uint8Array | string): Buffer {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

function line(word: string, ...parts: (Uint8Array | string)[]): string {
  return `${word} ${Buffer.concat(parts.map(string)).toString('base64')}`;
}

const raw = Buffer.from(host.trusted.public, 'base64');
const key = line('ssh-ed25519', 'ssh-ed25519', raw);
const rsa = line('ssh-rsa', 'ssh-rsa', Buffer.of(1, 0, 1), Buffer.alloc(128, 0x35));

describe('the first thing that can be said is said', () => {
  test.each([
    ['signed by the host', key, signature, 'verified'],
    [
      'signed, the key with a comment and blanks around',
      `  ${key} root@web-1 of old\n`,
      signature,
      'verified',
    ],
    ['not signed, whatever the key', 'garbage', null, 'unsigned'],
    ['no key, whatever the signature', null, '!!', 'no-pubkey'],
    ['a key that is none', 'ssh-ed25519 garbage', signature, 'malformed'],
    ['two blanks in the key line', key.replace(' ', '  '), signature, 'malformed'],
    ['a key whose word and blob disagree', line('ssh-rsa', 'ssh-ed25519', raw), signature, 'malformed'],
    ['a key that is too short', line('ssh-ed25519', 'ssh-ed25519', raw.subarray(1)), signature, 'malformed'],
    ['a key with something behind it', line('ssh-ed25519', 'ssh-ed25519', raw, 'x'), signature, 'malformed'],
    ['a key without padding', key.slice(0, -1), signature, 'malformed'],
    ['a key of an unknown kind', line('ssh-foo', 'ssh-foo', raw), signature, 'malformed'],
    ['an RSA key, before the signature is looked at', rsa, '!!', 'wrong-algorithm'],
    [
      'an ECDSA key',
      line('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 4)),
      '!!',
      'wrong-algorithm',
    ],
    [
      'a security key',
      line('sk-ssh-ed25519@openssh.com', 'sk-ssh-ed25519@openssh.com', raw, 'ssh:'),
      '!!',
      'wrong-algorithm',
    ],
    ['a signature that is not base64', key, '!!', 'malformed'],
    ['a signature without padding', key, signature.replaceAll('=', ''), 'malformed'],
    ['an empty signature', key, '', 'malformed'],
    ['a short signature', key, Buffer.alloc(63).toString('base64'), 'malformed'],
    [
      'a signature of something else',
      key,
      Buffer.from(host.sign(Buffer.from('{}'))).toString('base64'),
      'mismatch',
    ],
  ])('%s', (_, pubkey, signed, status) => {
    expect(verifyEvidence(payload, pubkey, signed)).toBe(status);
  });
});

test('evidence that is no JSON is malformed', () => {
  expect(verifyEvidence('{', key, signature)).toBe('malformed');
});

test('only a wrong signature disqualifies', () => {
  const statuses = ['unsigned', 'no-pubkey', 'wrong-algorithm', 'verified', 'malformed', 'mismatch'] as const;
  expect(statuses.filter(countsForGate)).toEqual(['unsigned', 'no-pubkey', 'wrong-algorithm', 'verified']);
});
