import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { plain, type Answer } from './answer.ts';

/** The largest body that is read, in bytes. */
export const BODY_MAX_BYTES = 2 * 1024 * 1024;
/** What of a larger body is still taken off the wire, so that the sender gets to read the 413. */
const DISCARD_MAX_BYTES = 16 * 1024 * 1024;

/** A decoded body, or the answer that says what is wrong with it; undefined where the sender went away. */
export type Body<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly answer: Answer } | undefined;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a JSON body by a schema, with the statuses of agent-protocol.md §1.1: 415, 413, 400, 422. */
export async function readJson<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
): Promise<Body<z.output<Schema>>> {
  if (!isJson(request.headers['content-type'])) {
    return wrong(415, 'expected a request with the header Content-Type: application/json');
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > DISCARD_MAX_BYTES) return tooLarge(true);
  const bytes = await readBytes(request);
  if (bytes === 'gone') return undefined;
  if (bytes === 'too large') return tooLarge(false);
  return decodeJson(bytes, schema);
}

/** Decodes the bytes of a body: 400 where they are no JSON in UTF-8, 422 where the document has another shape. */
export function decodeJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
): Exclude<Body<z.output<Schema>>, undefined> {
  let document: unknown;
  try {
    document = JSON.parse(decoder.decode(bytes));
  } catch {
    return wrong(400, 'the body is not JSON in UTF-8');
  }
  const result = schema.safeParse(document);
  if (result.success) return { ok: true, value: result.data };
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return wrong(
    422,
    `the body does not have the expected shape: ${path === '' ? '' : `${path}: `}${issue?.message ?? ''}`,
  );
}

/** `application/json`, or a type that ends in `+json`; parameters are allowed. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  const [type = ''] = (contentType ?? '').split(';', 1);
  return /^application\/([^/\s]+\+)?json$/i.test(type.trim());
}

function readBytes(request: IncomingMessage): Promise<Uint8Array | 'too large' | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_MAX_BYTES) chunks.push(chunk);
      else chunks.length = 0;
      if (size > DISCARD_MAX_BYTES) request.destroy();
    });
    request.on('end', () => resolve(size > BODY_MAX_BYTES ? 'too large' : join(chunks)));
    request.on('error', () => resolve('gone'));
    request.on('close', () => resolve('gone'));
  });
}

function join(chunks: Buffer[]): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function tooLarge(close: boolean): Exclude<Body<never>, undefined> {
  return { ok: false, answer: { ...plain(413, `the body is larger than ${BODY_MAX_BYTES} bytes`), close } };
}

function wrong(status: number, message: string): Exclude<Body<never>, undefined> {
  return { ok: false, answer: plain(status, message) };
}
