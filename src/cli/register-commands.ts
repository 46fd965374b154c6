import type { Command } from 'commander';
import { registerCanonicalize } from './canonicalize-command.ts';
import { type CliIo, processIo } from './cli-io.ts';
import { registerDerivePubkey } from './derive-pubkey-command.ts';
import { registerKeygen } from './keygen-command.ts';
import { registerMintNonces } from './mint-nonces-command.ts';
import { registerMintRevocation } from './mint-revocation-command.ts';
import { registerMintToken } from './mint-token-command.ts';
import { registerProject } from './project-command.ts';
import { registerRelease } from './release-command.ts';
import { registerSign } from './sign-command.ts';
import { registerVerify } from './verify-command.ts';

/**
 * Adds the commands for the people on the CI side. They end with exit code 2 on bad usage or input and with 1 on a
 * check that failed; stdout carries the result, stderr the rest.
 */
export function registerCommands(program: Command, io: CliIo = processIo): void {
  registerRelease(program, io);
  registerSign(program, io);
  registerVerify(program, io);
  registerProject(program, io);
  registerCanonicalize(program, io);
  registerKeygen(program, io);
  registerDerivePubkey(program, io);
  registerMintToken(program, io);
  registerMintNonces(program, io);
  registerMintRevocation(program, io);
}
