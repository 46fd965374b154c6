import type { Command } from 'commander';
import { addMillis, timestampFromMillis, epochMillis } from '../api/time.ts';
import type { BootstrapToken } from '../api/wire/enroll.ts';
import { decodeBase64 } from '../core/artifacts/base64.ts';
import { signBootstrapToken } from '../core/artifacts/bootstrap-token.ts';
import { badInput, messageOf } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note } from './command.ts';
import { documentOf } from './document.ts';
import { nameOf, readInput, readInputText, STANDARD_STREAM, writeNewSecret } from './files.ts';
import { hoursOption } from './option-values.ts';
import { readHostKey } from './public-key.ts';
import { readSigningKey } from './signing.ts';

interface MintTokenOptions {
  readonly hostname: string;
  readonly fleetResolved?: string;
  readonly csrPubkeyFingerprint?: string;
  readonly hostPubkey?: string;
  readonly orgRootKey: string;
  readonly validityHours: number;
  readonly out: string;
}

const DEFAULT_VALIDITY_HOURS = 24;
const NONCE_BYTES = 16;
const FINGERPRINT_BYTES = 32;
const MILLIS_PER_HOUR = 3_600_000;

/** `mint-token`: what a new host enrols with. */
export function registerMintToken(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'mint-token',
    summary: 'make the bootstrap token that a new host enrols with',
    description:
      'Prints a token for one host and one enrolment, signed by the org root key. The host’s key is named in one of ' +
      'three ways: by the fleet that declares it, by its public key file, or by its fingerprint. The token works only ' +
      'once its nonce is on the signed list: see "mint-nonces". Treat it as a secret until it is used.',
    examples: [
      'mint-token --hostname web-01 --fleet-resolved fleet.resolved.json --org-root-key org.pem --out web-01.token.json',
      'mint-token --hostname web-01 --host-pubkey ssh_host_ed25519_key.pub --org-root-key org.pem > web-01.token.json',
    ],
  })
    .requiredOption('--hostname <name>', 'the host, as the fleet names it')
    .requiredOption('--org-root-key <file>', 'PEM private key of orgRootKey (Ed25519)')
    .option('--fleet-resolved <file>', 'take the key from hosts.<name>.pubkey of this fleet')
    .option('--host-pubkey <file>', 'take the key from this OpenSSH ed25519 key')
    .option('--csr-pubkey-fingerprint <base64>', 'the SHA-256 of the raw key, as derive-pubkey prints it')
    .option('--validity-hours <hours>', 'how long it is accepted', hoursOption, DEFAULT_VALIDITY_HOURS)
    .option('--out <file>', 'write it to a new file that only you can read', STANDARD_STREAM)
    .action((options: MintTokenOptions) => guarded(io, 'mint-token', () => mintToken(io, options)));
}

async function mintToken(io: CliIo, options: MintTokenOptions): Promise<void> {
  const { hostname, orgRootKey, out } = options;
  if (hostname === '') throw badInput('--hostname is empty: give the name that the fleet has for the host');
  const expectedPubkeyFingerprint = await fingerprintOf(io, options);
  const key = await readSigningKey(io, orgRootKey, '--org-root-key');
  // Whole seconds, rounded down, so that the token is in force at once.
  const issuedAt = timestampFromMillis(Math.floor(epochMillis(io.now()) / 1000) * 1000);
  const expiresAt = addMillis(issuedAt, options.validityHours * MILLIS_PER_HOUR);
  const nonce = Buffer.from(io.random(NONCE_BYTES)).toString('hex');
  let token: BootstrapToken;
  try {
    token = signBootstrapToken({ hostname, expectedPubkeyFingerprint, issuedAt, expiresAt, nonce }, key);
  } catch (error) {
    throw badInput(`--org-root-key ${nameOf(orgRootKey)}: ${messageOf(error)}`, error);
  }
  const text = `${JSON.stringify(token, null, 2)}\n`;
  if (out === STANDARD_STREAM) io.writeOut(text);
  else await writeNewSecret(io, out, text);
  note(
    io,
    `token for ${hostname}, until ${expiresAt}; it works once its nonce is listed: see "mint-nonces --help"`,
  );
}

async function fingerprintOf(io: CliIo, options: MintTokenOptions): Promise<string> {
  const { hostname, fleetResolved, hostPubkey, csrPubkeyFingerprint } = options;
  const given = [fleetResolved, hostPubkey, csrPubkeyFingerprint].filter((option) => option !== undefined);
  if (given.length !== 1)
    throw badInput(
      'name the host’s key by exactly one of --fleet-resolved, --host-pubkey and --csr-pubkey-fingerprint',
    );
  if (fleetResolved !== undefined) return fingerprintInFleet(io, fleetResolved, hostname);
  if (hostPubkey !== undefined) {
    const text = await readInputText(io, hostPubkey, '--host-pubkey an OpenSSH ed25519 key');
    const key = readHostKey(nameOf(hostPubkey), text);
    if (key !== undefined) return key.fingerprint;
    throw badInput(
      `--host-pubkey ${nameOf(hostPubkey)} is no OpenSSH key: give the host’s ssh_host_ed25519_key.pub`,
    );
  }
  const fingerprint = csrPubkeyFingerprint ?? '';
  if (decodeBase64(fingerprint)?.length === FINGERPRINT_BYTES) return fingerprint;
  throw badInput(
    `--csr-pubkey-fingerprint ${fingerprint} is no base64 of ${FINGERPRINT_BYTES} bytes: take what derive-pubkey prints`,
  );
}

async function fingerprintInFleet(io: CliIo, path: string, hostname: string): Promise<string> {
  const name = nameOf(path);
  const bytes = await readInput(io, path, '--fleet-resolved a fleet.resolved.json');
  const { hosts } = documentOf(name, bytes, 'fleet').payload;
  const host = hosts[hostname];
  if (host === undefined)
    throw badInput(`${name}: hosts has no ${JSON.stringify(hostname)}: declare it first`);
  const field = `${name}: hosts[${JSON.stringify(hostname)}].pubkey`;
  if (host.pubkey === null)
    throw badInput(`${field} is missing, so that the host could not enrol: declare its SSH host key`);
  const key = readHostKey(field, host.pubkey);
  if (key === undefined)
    throw badInput(`${field} is no OpenSSH public key line: copy ssh_host_ed25519_key.pub`);
  return key.fingerprint;
}
