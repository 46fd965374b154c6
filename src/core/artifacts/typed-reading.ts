import type { z } from 'zod';

/** A typed document, or which of its members is wrong, in words for people. */
export type TypedReading<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const SHOWN_ISSUES = 3;
const SHOWN_PATH_LENGTH = 200;

/** Reads a JSON value as the schema's type; a refusal names the first few members that are wrong. */
export function readTyped<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): TypedReading<z.output<Schema>> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const { issues } = result.error;
  const shown = issues
    .slice(0, SHOWN_ISSUES)
    .map(({ path, message }) => `${bounded(pathText(path))}: ${message.replace(/^Invalid input: /, '')}`);
  if (issues.length > SHOWN_ISSUES) shown.push(`and ${issues.length - SHOWN_ISSUES} more`);
  return { ok: false, message: shown.join('; ') };
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document';
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_]\w*$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step))}]`;
  }
  return text;
}

/** A member's name may be as long as the document. */
function bounded(path: string): string {
  return path.length <= SHOWN_PATH_LENGTH ? path : `${path.slice(0, SHOWN_PATH_LENGTH)}…`;
}
