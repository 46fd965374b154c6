import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readHostKey } from '../../../src/agent/openssh-key.ts';
import { readSshPublicKey } from '../../../src/core/artifacts/ssh-public-key.ts';
import { makeSshHostKey } from '../../../src/dev/ssh-host-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `ssh-keygen` makes; undefined where there is none on this machine. */
function keygen(name: string, ...args: string[]): string | undefined {
  const path = join(folder, name);
  try {
    execFileSync('ssh-keygen', ['-q', '-f', path, ...args], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return path;
}

function rawOf(line: string): Buffer | undefined {
  const key = readSshPublicKey(line);
  return key?.algorithm === 'ssh-ed25519' ? Buffer.from(key.raw) : undefined;
}

test('a key that the demo makes reads as the key whose line it declares', () => {
  const { privateText, publicLine } = makeSshHostKey('root@web-01');
  const key = readHostKey(privateText);
  expect(Buffer.from(key.publicKey)).toEqual(rawOf(publicLine));
  expect(key.keyPem).toContain('BEGIN PRIVATE KEY');
});

test('a seed makes the published host key of agent-protocol.md §9.0', () => {
  expect(makeSshHostKey('', Buffer.alloc(32, 2)).publicLine).toBe(
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU',
  );
});

const ed25519 = keygen('ed25519', '-t', 'ed25519', '-N', '');
test.skipIf(ed25519 === undefined)('so does one of ssh-keygen', () => {
  const line = readFileSync(`${ed25519 ?? ''}.pub`, 'utf8');
  expect(Buffer.from(readHostKey(readFileSync(ed25519 ?? '', 'utf8')).publicKey)).toEqual(rawOf(line));
});

const locked = keygen('locked', '-t', 'ed25519', '-N', 'secret');
test.skipIf(locked === undefined)('one with a passphrase is refused with the remedy', () => {
  expect(() => readHostKey(readFileSync(locked ?? '', 'utf8'))).toThrow('has a passphrase: give one without');
});

const ecdsa = keygen('ecdsa', '-t', 'ecdsa', '-N', '');
test.skipIf(ecdsa === undefined)('one of another kind is refused by its name', () => {
  expect(() => readHostKey(readFileSync(ecdsa ?? '', 'utf8'))).toThrow('the host key is ecdsa-sha2-nistp256');
});

test.each<[string, string]>([
  ['no key at all', 'x'],
  ['PKCS#8', '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n'],
])('%s is refused', (_, text) => {
  expect(() => readHostKey(text)).toThrow('not in OpenSSH format');
});

test('a key that is cut short is refused', () => {
  const lines = makeSshHostKey('x').privateText.split('\n');
  expect(() => readHostKey([...lines.slice(0, 3), ...lines.slice(-2)].join('\n'))).toThrow();
});
