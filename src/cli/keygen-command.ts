import { generateKeyPairSync } from 'node:crypto';
import { type Command, Option } from 'commander';
import { type SigningAlgorithm, signingKeyFromPem } from '../core/artifacts/sign.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note, printJson } from './command.ts';
import { STANDARD_STREAM, writeFiles, writeNewSecret } from './files.ts';

interface KeygenOptions {
  readonly algorithm: SigningAlgorithm;
  readonly out: string;
  readonly publicOut?: string;
}

/** `keygen`: makes a signing key. */
export function registerKeygen(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'keygen',
    summary: 'make a signing key and print its entry for trust.json',
    description:
      'Writes a new private key (PKCS #8 PEM, readable by you alone) and prints {algorithm, public}, which belongs into ' +
      'trust.json as ciReleaseKey.current (or orgRootKey.current, which has to be ed25519). An existing file is never ' +
      'overwritten.',
    examples: ['keygen --out ci.pem --public-out ci.pub.json'],
  })
    .addOption(
      new Option('--algorithm <name>', 'the kind of key')
        .choices(['ed25519', 'ecdsa-p256'] satisfies SigningAlgorithm[])
        .default('ed25519'),
    )
    .requiredOption('--out <file>', 'where the private key goes')
    .option('--public-out <file>', 'write the entry for trust.json to a file, too')
    .action((options: KeygenOptions) => guarded(io, 'keygen', () => keygen(io, options)));
}

async function keygen(io: CliIo, { algorithm, out, publicOut }: KeygenOptions): Promise<void> {
  if (out === STANDARD_STREAM) throw badInput('--out -: a private key is not printed: give a file');
  const pem = newKey(algorithm);
  const { trusted } = signingKeyFromPem(pem);
  await writeNewSecret(io, out, pem);
  if (publicOut !== undefined)
    await writeFiles(io, [{ path: publicOut, content: `${JSON.stringify(trusted, null, 2)}\n` }]);
  printJson(io, trusted);
  note(io, `${out}: private key, ${algorithm}; keep it where only the signer can read it`);
}

function newKey(algorithm: SigningAlgorithm): string {
  const { privateKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
