/** What a command line ends with: bad usage or input, or a check that was made and failed. */
export type FailureCode = 1 | 2;

/** The end of a command that could not do what was asked; the message names file, field and remedy. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: FailureCode;

  constructor(exitCode: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Bad usage or input: exit code 2. */
export function badInput(message: string, cause?: unknown): CliError {
  return new CliError(2, message, { cause });
}

/** A document that was read and does not hold: exit code 1. */
export function checkFailed(message: string): CliError {
  return new CliError(1, message);
}

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
