import type { Command } from 'commander';
import { addMillis, compareTimestamps, type Timestamp } from '../api/time.ts';
import { bootstrapTokenSchema } from '../api/wire/enroll.ts';
import { readTyped } from '../core/artifacts/typed-reading.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, collect, guarded, note } from './command.ts';
import type { JsonObject } from './document.ts';
import { nameOf, readInputText } from './files.ts';
import { hoursOption } from './option-values.ts';
import { jsonOf, readSideDocument, type SideDocument, writeSideDocument } from './side-document.ts';
import { readSigningKey } from './signing.ts';

interface MintNoncesOptions {
  readonly key: string;
  readonly out: string;
  readonly pair: readonly string[];
  readonly validityHours: number;
  readonly mintedBy?: string;
}

interface NonceEntry {
  readonly nonce: string;
  readonly hostname: string;
  readonly expiresAt: Timestamp;
  readonly mintedAt: Timestamp;
}

const DEFAULT_VALIDITY_HOURS = 24;
const MILLIS_PER_HOUR = 3_600_000;
const PAIR = /^(?<hostname>[^=]+)=(?<nonce>[0-9a-f]{32})$/;

/** `mint-nonces`: the signed list of enrolments that are allowed. */
export function registerMintNonces(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'mint-nonces [token...]',
    summary: 'put bootstrap tokens on the signed list of allowed enrolments',
    description:
      'Adds the nonce of each TOKEN file (and of each --pair) to bootstrap-nonces.json, drops entries that have expired, ' +
      'and signs the list with the CI key. The file is begun if it does not exist. Tokens themselves stay secret: only ' +
      'their nonces are listed. "-" reads a token from stdin.',
    examples: ['mint-nonces --key ci.pem --out bootstrap-nonces.json web-01.token.json web-02.token.json'],
  })
    .requiredOption('--key <file>', 'PEM private key (Ed25519 or P-256) of the CI')
    .requiredOption('--out <file>', 'the list; its signature goes to FILE.sig')
    .option('--pair <host=nonce>', 'list a nonce of 32 hex digits without its token; repeatable', collect, [])
    .option(
      '--validity-hours <hours>',
      'how long each --pair is accepted',
      hoursOption,
      DEFAULT_VALIDITY_HOURS,
    )
    .option('--minted-by <who>', 'who made them, for people')
    .action((tokens: string[], options: MintNoncesOptions) =>
      guarded(io, 'mint-nonces', () => mintNonces(io, tokens, options)),
    );
}

async function mintNonces(io: CliIo, tokens: readonly string[], options: MintNoncesOptions): Promise<void> {
  const added = options.pair.map((pair) => entryOfPair(io, pair, options.validityHours));
  for (const path of tokens) added.push(await entryOfToken(io, path));
  if (added.length === 0) throw badInput('there is nothing to list: give token files or --pair');
  for (const [index, { nonce, hostname }] of added.entries())
    if (added.some((other, at) => at > index && other.nonce === nonce))
      throw badInput(`the nonce of ${hostname} is given more than once: list each token once`);
  const key = await readSigningKey(io, options.key, '--key');
  const before = await readSideDocument(io, options.out, 'bootstrap_nonces');
  const kept = keptEntries(io, before, added);
  const mintedBy = options.mintedBy === undefined ? {} : { mintedBy: options.mintedBy };
  const entries = [...kept, ...added.map((entry) => ({ ...entry, ...mintedBy }))];
  await writeSideDocument(io, options.out, 'bootstrap_nonces', { value: before.value, entries }, key);
  const dropped = before.entries.length - kept.length;
  note(
    io,
    `${options.out}: ${entries.length} enrolments allowed, ${added.length} of them new, ${dropped} dropped`,
  );
}

/** What is listed already and neither expired nor listed anew. */
function keptEntries(
  io: CliIo,
  before: SideDocument<'bootstrap_nonces'>,
  added: readonly NonceEntry[],
): JsonObject[] {
  const owners = new Map(added.map(({ nonce, hostname }) => [nonce, hostname]));
  const now = io.now();
  return before.entries.filter((_, index) => {
    const entry = before.payload?.bootstrapNonces[index];
    if (entry === undefined || compareTimestamps(entry.expiresAt, now) < 0) return false;
    const owner = owners.get(entry.nonce);
    if (owner !== undefined && owner !== entry.hostname)
      throw badInput(
        `bootstrapNonces[${index}] lists the nonce of ${owner} for ${entry.hostname} already: mint a token anew`,
      );
    return owner === undefined;
  });
}

function entryOfPair(io: CliIo, pair: string, hours: number): NonceEntry {
  const { hostname, nonce } = PAIR.exec(pair)?.groups ?? {};
  if (hostname === undefined || nonce === undefined)
    throw badInput(`--pair ${pair} is no HOST=NONCE: the nonce has 32 lower-case hex digits`);
  const mintedAt = io.now();
  return { nonce, hostname, expiresAt: addMillis(mintedAt, hours * MILLIS_PER_HOUR), mintedAt };
}

async function entryOfToken(io: CliIo, path: string): Promise<NonceEntry> {
  const name = nameOf(path);
  const value = jsonOf(name, await readInputText(io, path, 'a token that mint-token made'));
  const token = readTyped(bootstrapTokenSchema, value);
  if (!token.ok) throw badInput(`${name} is no bootstrap token; wrong at ${token.message}`);
  const { nonce, hostname, expiresAt, issuedAt } = token.value.claims;
  if (compareTimestamps(expiresAt, io.now()) <= 0)
    throw badInput(`${name}: claims.expiresAt is ${expiresAt}, which is past: mint a token anew`);
  return { nonce, hostname, expiresAt, mintedAt: issuedAt };
}
