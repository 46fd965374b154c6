/**
 * The field types that all wire messages share, as strict as the original's decoder (state-machine.md §1.1, §4.4).
 */
import { z } from 'zod';
import { parseTimestamp } from '../time.ts';

/** 2^64 as a double: the largest sequence number an agent can send rounds to it. */
const U64_LIMIT = 2 ** 64;

/**
 * Any text, the empty one included, compared byte for byte. A lone surrogate is no text: the original cannot decode
 * one, and the API server would replace it silently.
 */
export const wireText = z.string().refine((text) => text.isWellFormed(), 'holds a lone surrogate');

/** RFC 3339 with an explicit offset; comes out in normal form (UTC, shortest fraction). */
export const wireTime = z.string().transform((text, context) => {
  const time = parseTimestamp(text);
  if (time === undefined) {
    context.addIssue({ code: 'custom', message: 'expected an RFC 3339 time with an offset' });
    return z.NEVER;
  }
  return time;
});

/**
 * An unsigned 64-bit integer. A value above 2^53−1 still decodes (it has lost digits by then), so that the event can
 * be answered and counted; who judges the event refuses it (architecture.md §1, rule 5).
 */
export const wireUnsigned = z
  .number()
  .refine(
    (value) => Number.isInteger(value) && !Object.is(value, -0) && value >= 0 && value <= U64_LIMIT,
    'expected an integer from 0 to 2^64−1',
  );

/** A signed 32-bit integer: the exit code of a process. */
export const wireExitCode = z.int32().refine((value) => !Object.is(value, -0), 'expected an integer');

/** A member that may be absent or null, which mean the same; comes out absent. */
export function wireOptional<Schema extends z.ZodType>(schema: Schema) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}
