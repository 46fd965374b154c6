/** A flag that cannot be acted upon; the message names it and says what to give. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/** One flag of `run`: its default is what `--help` prints. */
export interface Flag {
  readonly name: string;
  readonly value: string;
  readonly help: string;
  readonly default?: string;
}
