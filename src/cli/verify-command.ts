import { type Command, Option } from 'commander';
import type { Timestamp } from '../api/time.ts';
import { activeKeys } from '../core/artifacts/key-slots.ts';
import type { ReleaseTrust } from '../core/artifacts/release.ts';
import { verifyArtifact } from '../core/artifacts/verify.ts';
import { badInput, checkFailed } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, printJson } from './command.ts';
import { detectKind, KIND_NAMES, kindOfName, type KindName, nameOfKind, readObject } from './document.ts';
import { isFolder, nameOf, readInput, STANDARD_STREAM } from './files.ts';
import { secondsOption, timeOption } from './option-values.ts';
import { signatureOf } from '../core/artifacts/signature-file.ts';
import { readTrustFile } from './trust.ts';
import { verifyFolder } from './verify-folder.ts';

interface VerifyOptions {
  readonly trust: string;
  readonly kind?: KindName;
  readonly freshness: number;
  readonly at?: Timestamp;
}

const DEFAULT_FRESHNESS_SECONDS = 720 * 3600;

/** `verify`: judges a document, or a folder that holds a release, as the operator will. */
export function registerVerify(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'verify <file> [signature]',
    summary: 'check a signed document, or a folder with a whole release, as the operator will',
    description:
      'Checks the signature against ciReleaseKey of trust.json, the shape and the age of FILE, and prints what was ' +
      'found. SIGNATURE is FILE.sig unless given: 64 raw bytes or their base64. A folder is checked as a release: ' +
      'fleet.resolved.json with its manifests. "-" reads the document from stdin. Exit code 1: it does not hold; ' +
      '2: something else is wrong.',
    examples: [
      'verify --trust trust.json fleet.resolved.json',
      'verify --trust trust.json --freshness 1h release/',
    ],
  })
    .requiredOption('--trust <file>', 'the trust.json')
    .addOption(
      new Option('--kind <kind>', 'what FILE has to be; told by its members otherwise').choices(KIND_NAMES),
    )
    .addOption(
      new Option('--freshness <duration>', 'how old it may be, 60 s more being tolerated')
        .argParser(secondsOption)
        .default(DEFAULT_FRESHNESS_SECONDS, '720h'),
    )
    .option('--at <time>', 'judge as of this time instead of now', timeOption)
    .action((path: string, signature: string | undefined, options: VerifyOptions) =>
      guarded(io, 'verify', () => verify(io, path, signature, options)),
    );
}

async function verify(
  io: CliIo,
  path: string,
  signaturePath: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const trust = await releaseTrust(io, options);
  if (path !== STANDARD_STREAM && (await isFolder(path))) {
    if (options.kind !== undefined || signaturePath !== undefined)
      throw badInput(`${path} is a folder, which is checked as a release: give no --kind and no signature`);
    printJson(io, await verifyFolder(io, path, trust));
    return;
  }
  printJson(io, await verifyFile(io, path, signaturePath, options.kind, trust));
}

async function releaseTrust(io: CliIo, options: VerifyOptions): Promise<ReleaseTrust> {
  const { ciReleaseKey } = await readTrustFile(io, options.trust);
  const now = options.at ?? io.now();
  return {
    keys: activeKeys(ciReleaseKey, now),
    now,
    freshnessWindowSeconds: options.freshness,
    rejectBefore: ciReleaseKey.rejectBefore,
  };
}

async function verifyFile(
  io: CliIo,
  path: string,
  signaturePath: string | undefined,
  kindName: KindName | undefined,
  trust: ReleaseTrust,
): Promise<object> {
  const name = nameOf(path);
  if (path === STANDARD_STREAM && signaturePath === undefined)
    throw badInput('"-" has no signature beside it: give the signature file, too');
  const bytes = await readInput(io, path, 'a signed document');
  const signature = await readInput(io, signaturePath ?? `${path}.sig`, 'the signature of the document');
  const kind =
    kindName === undefined ? detectKind(name, readObject(name, bytes, 1).value, 1) : kindOfName(kindName);
  const verdict = verifyArtifact(kind, bytes, signatureOf(signature), trust.keys, trust);
  if (!verdict.ok) throw checkFailed(`${name}: ${verdict.error}: ${verdict.message}`);
  const { signedAt, canonicalSha256, rolloutId } = verdict;
  return {
    kind: nameOfKind(kind),
    signedAt,
    sha256: canonicalSha256,
    ...(rolloutId !== undefined && { rolloutId }),
  };
}
