/**
 * The field types that all signed documents share (planner.md §2.2). Unknown members are dropped everywhere; a member
 * with a default may be left out but not be null, unless its type says so.
 */
import { z } from 'zod';
import { parseTimestamp } from '../time.ts';

/** An unsigned 32-bit integer. */
export const uint32 = z.int().min(0).max(4_294_967_295);

/** A point in time with an offset; comes out in normal form (UTC, shortest fraction). */
export const artifactTime = z.string().transform((text, context) => {
  const time = parseTimestamp(text);
  if (time === undefined) {
    context.addIssue({
      code: 'custom',
      message: 'expected a time with an offset, such as 2026-05-16T01:00:00Z',
    });
    return z.NEVER;
  }
  return time;
});

/** A member that may be absent or null, which mean the same; printed as null. */
export function nullable<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullable().default(null);
}

/** A member that may be absent or null, which mean the same; left out when printed (marked *omit* in planner.md §3). */
export function omittable<Schema extends z.ZodType>(schema: Schema) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}

/**
 * A map from names to values. The result has no prototype, so that `map[name]` of a name that is not in it is always
 * undefined, and a host may be called `__proto__` or `constructor`. (z.record drops the first of them.)
 */
export function mapOf<Schema extends z.ZodType>(schema: Schema) {
  return z.custom<object>(isObject, 'expected an object').transform((members, context) => {
    const map = emptyMap<z.output<Schema>>();
    for (const [name, value] of Object.entries(members)) {
      const result = schema.safeParse(value);
      if (result.success) map[name] = result.data;
      else
        for (const { path, message } of result.error.issues)
          context.addIssue({ code: 'custom', path: [name, ...path], message });
    }
    return map;
  });
}

/** A map as `mapOf` gives it, with nothing in it. */
export function emptyMap<Value>(): Record<string, Value> {
  const map: Record<string, Value> = Object.create(null);
  return map;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
