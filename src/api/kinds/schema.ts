import { z } from 'zod';
import type { Timestamp } from '../time.ts';

/** A CEL rule of a schema node, as `x-kubernetes-validations` prints it. */
export interface ValidationRule {
  readonly rule: string;
  readonly message: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

/** Adds CEL rules to a schema; the CRD generator passes them through. */
export function rules<T extends z.ZodType>(schema: T, ...validations: ValidationRule[]): T {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-validations': validations });
}

/** A field that keeps the value it was created with. */
export function immutable<T extends z.ZodType>(schema: T): T {
  return rules(schema, { rule: 'self == oldSelf', message: 'this field cannot be changed' });
}

/** A list whose members are identified by the given keys, so that server-side apply merges member by member. */
export function listMap<T extends z.ZodType>(schema: T, ...keys: string[]): T {
  return schema.meta({
    ...schema.meta(),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
  });
}

/** A list that is replaced whole. */
export function atomicList<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-list-type': 'atomic' });
}

/**
 * A point in time in normal form. The cast narrows the inferred type: the server checks `format: date-time`, and every
 * writer of the operator prints the normal form.
 */
export function timestamp(description: string): z.ZodType<Timestamp, string> {
  return z.string().max(40).meta({ description, format: 'date-time' }) as unknown as z.ZodType<
    Timestamp,
    string
  >;
}

/** A duration in Kubernetes' spelling (`15m`, `720h`, `90s`). */
export function duration(description: string): z.ZodString {
  return z
    .string()
    .max(32)
    .regex(/^([0-9]+(h|m|s|ms))+$/)
    .meta({ description });
}

/** An object name (DNS-1123 subdomain length). */
export function objectName(description: string): z.ZodString {
  return z.string().min(1).max(253).meta({ description });
}

/** Text of a bounded length. */
export function text(maxLength: number, description: string): z.ZodString {
  return z.string().max(maxLength).meta({ description });
}

/** A whole number that a double holds exactly. */
export function count(description: string): z.ZodNumber {
  return z.int().min(0).meta({ description, format: 'int64' });
}

/** The base name of a system's store path. */
export function closure(description: string): z.ZodString {
  return text(512, description);
}

/** A host's name as its fleet declares it (NixOS allows `_` and capitals). */
export function hostname(description: string): z.ZodString {
  return z.string().min(1).max(253).meta({ description });
}

/** Keys of a ConfigMap or Secret. */
export function keyRef(what: string): z.ZodObject<{ name: z.ZodString; key: z.ZodString }> {
  return z
    .object({
      name: objectName(`Name of the ${what} in the Fleet's namespace.`),
      key: z
        .string()
        .min(1)
        .max(253)
        .meta({ description: `Key within that ${what}.` }),
    })
    .meta({ description: `A key of a ${what} in the Fleet's namespace.` });
}
