import { type SigningKey, signingKeyFromPem } from '../core/artifacts/sign.ts';
import { badInput, messageOf } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { nameOf, readInputText } from './files.ts';

/** Reads the private key that a command signs with. The file's content never shows in a message. */
export async function readSigningKey(io: CliIo, path: string, option: string): Promise<SigningKey> {
  const pem = await readInputText(io, path, `${option} the PEM file of a private key ("keygen" makes one)`);
  try {
    return signingKeyFromPem(pem);
  } catch (error) {
    throw badInput(`${option} ${nameOf(path)}: ${messageOf(error)}`, error);
  }
}
