/**
 * A harness operation: takes a case's `input` (its `op` member included) and returns what `expect` shall equal.
 * Whatever it throws fails the case with the message.
 */
export type Op = (input: unknown) => unknown;
