import { type Command, Option } from 'commander';
import { wholeSecondsBetween } from '../api/time.ts';
import type { SigningKey } from '../core/artifacts/sign.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note } from './command.ts';
import {
  detectKind,
  type Document,
  documentOf,
  KIND_NAMES,
  kindOfName,
  type KindName,
  nameOfKind,
  readObject,
  stamped,
  textLike,
} from './document.ts';
import { nameOf, type OutputFile, readInput, STANDARD_STREAM, writeFiles } from './files.ts';
import { readSigningKey } from './signing.ts';

interface SignOptions {
  readonly key: string;
  readonly kind?: KindName;
  readonly stamp?: true;
  readonly base64?: true;
}

interface Signed {
  readonly path: string;
  readonly document: Document;
  readonly signature: Uint8Array;
  /** The file anew, where it was stamped. */
  readonly text: string | undefined;
}

/** The age from which agents refuse a document at dispatch, whatever else is set (agent-protocol.md §2.2). */
const AGENTS_WINDOW_SECONDS = 3600;

/** `sign`: checks documents and writes their detached signatures. */
export function registerSign(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'sign <file...>',
    summary: 'sign documents: fleet, rollout manifest, revocations, bootstrap nonces',
    description:
      'Checks each FILE as the document it is and writes FILE.sig: 64 raw bytes over its canonical form (RFC 8785), so ' +
      'that FILE may be laid out in any way. Nothing is written if one of them is wrong. "-" reads stdin and writes the ' +
      'signature to stdout.',
    examples: [
      'sign --key ci.pem --stamp fleet.resolved.json',
      'sign --key ci.pem --base64 - < stable.manifest.json',
    ],
  })
    .requiredOption('--key <file>', 'PEM private key (Ed25519 or P-256) to sign with')
    .addOption(
      new Option('--kind <kind>', 'what the files are; told by their members otherwise').choices(KIND_NAMES),
    )
    .option(
      '--stamp',
      'set meta.signedAt to now and meta.signatureAlgorithm to the key’s, and write FILE anew',
    )
    .option('--base64', 'print the signatures as base64, a line each, instead of writing FILE.sig')
    .action((paths: string[], options: SignOptions) => guarded(io, 'sign', () => sign(io, paths, options)));
}

async function sign(io: CliIo, paths: readonly string[], options: SignOptions): Promise<void> {
  const fromStdin = paths.includes(STANDARD_STREAM);
  if (fromStdin && paths.length > 1) throw badInput('"-" stands alone: give it without other files');
  if (fromStdin && options.stamp === true)
    throw badInput('--stamp writes the document anew, which "-" leaves no place for: give a file');
  const key = await readSigningKey(io, options.key, '--key');
  const signed: Signed[] = [];
  for (const path of paths) signed.push(await signOne(io, path, key, options));
  await writeFiles(
    io,
    signed.flatMap((one) => outputsOf(one, options.base64 === true || fromStdin)),
  );
  for (const { path, document, signature } of signed) {
    if (options.base64 === true) io.writeOut(`${Buffer.from(signature).toString('base64')}\n`);
    else if (fromStdin) io.writeOut(signature);
    else note(io, `${path}.sig: signed as ${nameOfKind(document.kind)} with ${key.trusted.algorithm}`);
  }
}

async function signOne(io: CliIo, path: string, key: SigningKey, options: SignOptions): Promise<Signed> {
  const name = nameOf(path);
  const original = await readInput(io, path, 'a document to sign');
  const { value } = readObject(name, original);
  const kind = options.kind === undefined ? detectKind(name, value) : kindOfName(options.kind);
  const text =
    options.stamp === true ? textLike(original, stamped(value, io.now(), key.trusted.algorithm)) : undefined;
  const document = documentOf(name, text === undefined ? original : Buffer.from(text), kind);
  checkSigned(io, name, document);
  return { path, document, signature: key.sign(Buffer.from(document.canonical)), text };
}

function checkSigned(io: CliIo, name: string, { payload }: Document): void {
  const { signedAt } = payload.meta;
  if (signedAt === null)
    throw badInput(`${name}: meta.signedAt is missing, so that nobody would accept it: sign with --stamp`);
  const age = wholeSecondsBetween(signedAt, io.now());
  if (age >= AGENTS_WINDOW_SECONDS)
    note(io, `${name}: meta.signedAt is ${signedAt}, too old for agents already: --stamp sets it to now`);
  if (age < 0)
    note(io, `${name}: meta.signedAt is ${signedAt}, which is still to come: --stamp sets it to now`);
}

function outputsOf({ path, signature, text }: Signed, printed: boolean): OutputFile[] {
  const outputs: OutputFile[] = [];
  if (text !== undefined) outputs.push({ path, content: text });
  if (!printed) outputs.push({ path: `${path}.sig`, content: signature });
  return outputs;
}
