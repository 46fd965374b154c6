import type { Command } from 'commander';
import { compareTimestamps, laterOf, type Timestamp } from '../api/time.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note } from './command.ts';
import type { JsonObject } from './document.ts';
import { timeOption } from './option-values.ts';
import { readSideDocument, type SideDocument, writeSideDocument } from './side-document.ts';
import { readSigningKey } from './signing.ts';

interface MintRevocationOptions {
  readonly hostname: string;
  readonly key: string;
  readonly out: string;
  readonly notBefore?: Timestamp;
  readonly reason?: string;
  readonly revokedBy?: string;
}

/** `mint-revocation`: refuses a host's certificates. */
export function registerMintRevocation(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'mint-revocation',
    summary: 'revoke the certificates of a host in the signed list',
    description:
      'Sets the entry of a host in revocations.json and signs the list with the CI key: certificates of that host that ' +
      'became valid before --not-before are refused from then on; one issued later is accepted. The file is begun if it ' +
      'does not exist. A revocation is never moved back in time, and taking an entry out of the list does not undo it.',
    examples: [
      'mint-revocation --hostname web-01 --reason "disk stolen" --key ci.pem --out revocations.json',
    ],
  })
    .requiredOption('--hostname <name>', 'the host, as the fleet names it')
    .requiredOption('--key <file>', 'PEM private key (Ed25519 or P-256) of the CI')
    .requiredOption('--out <file>', 'the list; its signature goes to FILE.sig')
    .option(
      '--not-before <time>',
      'refuse certificates valid from before this time; now otherwise',
      timeOption,
    )
    .option('--reason <text>', 'why, for people')
    .option('--revoked-by <who>', 'who did it, for people')
    .action((options: MintRevocationOptions) =>
      guarded(io, 'mint-revocation', () => mintRevocation(io, options)),
    );
}

async function mintRevocation(io: CliIo, options: MintRevocationOptions): Promise<void> {
  const { hostname, out, reason, revokedBy } = options;
  if (hostname === '') throw badInput('--hostname is empty: give the name that the fleet has for the host');
  const key = await readSigningKey(io, options.key, '--key');
  const before = await readSideDocument(io, out, 'revocations');
  const wanted = options.notBefore ?? io.now();
  const notBefore = latest(before, hostname, wanted);
  const entry: JsonObject = {
    hostname,
    notBefore,
    ...(reason !== undefined && { reason }),
    ...(revokedBy !== undefined && { revokedBy }),
  };
  const others = before.entries.filter(
    (_, index) => before.payload?.revocations[index]?.hostname !== hostname,
  );
  await writeSideDocument(io, out, 'revocations', { value: before.value, entries: [...others, entry] }, key);
  if (notBefore !== wanted) note(io, `${hostname} was revoked as of ${notBefore} already, which stays`);
  if (compareTimestamps(notBefore, io.now()) > 0)
    note(
      io,
      `as of ${notBefore} is still to come: until then, new certificates of ${hostname} are refused, too`,
    );
  note(io, `${out}: certificates of ${hostname} from before ${notBefore} are refused once this is published`);
}

function latest(before: SideDocument<'revocations'>, hostname: string, wanted: Timestamp): Timestamp {
  const own = before.payload?.revocations.filter((entry) => entry.hostname === hostname) ?? [];
  return own.reduce((latestSoFar, { notBefore }) => laterOf(latestSoFar, notBefore), wanted);
}
