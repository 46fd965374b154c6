import type { TrustConfig } from '../api/artifacts/trust-config.ts';
import { readTrust } from '../core/artifacts/key-slots.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { nameOf, readInputText } from './files.ts';

/** Reads trust.json. */
export async function readTrustFile(io: CliIo, path: string): Promise<TrustConfig> {
  const reading = readTrust(await readInputText(io, path, '--trust a trust.json'));
  if (!reading.ok) throw badInput(`--trust ${nameOf(path)}: ${reading.message}`);
  return reading.value;
}
