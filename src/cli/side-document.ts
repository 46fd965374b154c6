import type { ArtifactPayload } from '../core/artifacts/read-artifact.ts';
import type { SigningKey } from '../core/artifacts/sign.ts';
import { type JsonValue, readJson } from '../core/artifacts/strict-json.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { documentOf, isObject, type JsonObject, stamped } from './document.ts';
import { exists, readInput, STANDARD_STREAM, writeFiles } from './files.ts';

/** The signed documents that are kept as lists beside the release. */
export type SideKind = 'revocations' | 'bootstrap_nonces';

/** The list as it stands, entry by entry in both forms: as in the file, and typed. */
export interface SideDocument<Kind extends SideKind> {
  /** Empty where there is no file yet. */
  readonly value: JsonObject;
  readonly entries: readonly JsonObject[];
  readonly payload: ArtifactPayload<Kind> | undefined;
}

const MEMBERS = { revocations: 'revocations', bootstrap_nonces: 'bootstrapNonces' } as const;

/** Reads the document at the path, or begins one where there is none. */
export async function readSideDocument<Kind extends SideKind>(
  io: CliIo,
  path: string,
  kind: Kind,
): Promise<SideDocument<Kind>> {
  if (path === STANDARD_STREAM)
    throw badInput('--out -: there is a document and a signature to write, so give a file');
  if (!(await exists(path))) return { value: {}, entries: [], payload: undefined };
  const bytes = await readInput(io, path, '--out the document to add to');
  const { value, payload } = documentOf(path, bytes, kind);
  const list = value[MEMBERS[kind]];
  return { value, payload, entries: Array.isArray(list) ? list.filter(isObject) : [] };
}

/** Writes the document with other entries, stamped, and its signature beside it. */
export async function writeSideDocument(
  io: CliIo,
  path: string,
  kind: SideKind,
  document: { readonly value: JsonObject; readonly entries: readonly JsonObject[] },
  key: SigningKey,
): Promise<void> {
  const entries: JsonValue[] = document.entries.map((entry) => ({ ...entry }));
  const value = { schemaVersion: 1, ...document.value, [MEMBERS[kind]]: entries };
  const text = `${JSON.stringify(stamped(value, io.now(), key.trusted.algorithm), null, 2)}\n`;
  // Read back: what is signed is what readers will accept.
  const { canonical } = documentOf(path, Buffer.from(text), kind);
  await writeFiles(io, [
    { path, content: text },
    { path: `${path}.sig`, content: key.sign(Buffer.from(canonical)) },
  ]);
}

/** The JSON value in a text, or a refusal that names where it came from. */
export function jsonOf(name: string, text: string): JsonValue {
  const reading = readJson(text);
  if (reading.ok) return reading.value;
  throw badInput(`${name} cannot be read as JSON: ${reading.message}`);
}
