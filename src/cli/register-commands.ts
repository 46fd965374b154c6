import type { Command } from 'commander';
import { type CliIo, processIo } from './cli-io.ts';
import { registerProject } from './project-command.ts';
import { registerRelease } from './release-command.ts';
import { registerSign } from './sign-command.ts';

/**
 * Adds the commands for the people on the CI side. They end with exit code 2 on bad usage or input and with 1 on a
 * check that failed; stdout carries the result, stderr the rest.
 */
export function registerCommands(program: Command, io: CliIo = processIo): void {
  for (const register of [registerSign, registerProject, registerRelease]) register(program, io);
}
