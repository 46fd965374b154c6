import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, printJson } from './command.ts';
import { nameOf, readInputText } from './files.ts';
import { readHostKey, readTrustedKey } from './public-key.ts';

/** `derive-pubkey`: what others need to know of a key. */
export function registerDerivePubkey(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'derive-pubkey <key>',
    summary: 'print the public half of a key as trust.json, fleets and tokens spell it',
    description:
      'Reads a PEM key (private or public) and prints {algorithm, public} for trust.json. Of an OpenSSH ed25519 host ' +
      'key (private, public or encrypted) it prints, too, the expectedPubkeyFingerprint of bootstrap tokens and the ' +
      'line for hosts.<name>.pubkey of the fleet. "-" reads stdin. Nothing secret is printed.',
    examples: ['derive-pubkey ci.pem', 'derive-pubkey /etc/ssh/ssh_host_ed25519_key.pub'],
  }).action((path: string) => guarded(io, 'derive-pubkey', () => derive(io, path)));
}

async function derive(io: CliIo, path: string): Promise<void> {
  const text = await readInputText(io, path, 'a PEM or an OpenSSH key');
  const name = nameOf(path);
  const host = readHostKey(name, text);
  if (host === undefined) printJson(io, readTrustedKey(name, text));
  else {
    const { trusted, fingerprint, line } = host;
    printJson(io, { ...trusted, expectedPubkeyFingerprint: fingerprint, pubkey: line });
  }
}
