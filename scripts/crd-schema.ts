import { z } from 'zod';

type SchemaNode = Record<string, unknown>;

/** Keys that a Kubernetes structural schema refuses, or that Zod adds without being asked. */
const DROPPED = new Set(['$schema', 'additionalProperties', 'id']);

/**
 * Lowers a Zod schema to a Kubernetes structural schema: inlined, without closed objects, with the extensions that
 * `.meta()` carries.
 */
export function structuralSchema(schema: z.ZodType): SchemaNode {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'throw',
  });
  return lower(json);
}

function lower(node: SchemaNode): SchemaNode {
  const lowered: SchemaNode = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'additionalProperties' && isNode(value) && Object.keys(value).length > 0)
      lowered[key] = lower(value);
    if (DROPPED.has(key)) continue;
    if (key === 'properties' && isNode(value)) {
      lowered[key] = Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, lower(child as SchemaNode)]),
      );
    } else if (key === 'items' && isNode(value)) {
      lowered[key] = lower(value);
    } else {
      lowered[key] = value;
    }
  }
  return withoutSafeIntegerBounds(lowered);
}

/** Zod bounds every integer by what a double holds; int64 says as much. */
function withoutSafeIntegerBounds(node: SchemaNode): SchemaNode {
  if (node['type'] !== 'integer') return node;
  const { minimum, maximum, ...rest } = node;
  return {
    ...rest,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
