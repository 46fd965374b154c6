import type { Command } from 'commander';
import { CliError } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';

/** The words of a command's help. */
export interface CommandText {
  /** Its name with its arguments, as commander reads them. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly description: string;
  /** Command lines to copy. */
  readonly examples: readonly string[];
}

const PROGRAM = 'nixfleet-operator';
const USAGE_ERROR = 2;

/** Adds a command with its help. Usage errors end with exit code 2, after a hint at the help. */
export function addCommand(program: Command, io: CliIo, text: CommandText): Command {
  const examples = text.examples.map((line) => `  $ ${PROGRAM} ${line}`).join('\n');
  const command = program.command(text.usage).summary(text.summary).description(text.description);
  return command
    .addHelpText('after', `\nExample${text.examples.length > 1 ? 's' : ''}:\n${examples}`)
    .showHelpAfterError(`("${PROGRAM} ${command.name()} --help" explains, with an example)`)
    .configureOutput({ writeOut: (str) => io.writeOut(str), writeErr: (str) => io.writeErr(str) })
    .exitOverride(({ exitCode }) => io.exit(exitCode === 0 ? 0 : USAGE_ERROR));
}

/** Runs a command's work; a `CliError` becomes one line on stderr and the exit code. */
export async function guarded(io: CliIo, command: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    io.writeErr(`${PROGRAM} ${command}: ${error.message}\n`);
    io.exit(error.exitCode);
  }
}

/** A line for people on stderr. */
export function note(io: CliIo, text: string): void {
  io.writeErr(`${text}\n`);
}

/** Prints a value as indented JSON on stdout. */
export function printJson(io: CliIo, value: unknown): void {
  io.writeOut(`${JSON.stringify(value, null, 2)}\n`);
}

/** Collects an option that may be given several times. */
export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}
