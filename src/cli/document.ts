import type { Timestamp } from '../api/time.ts';
import { canonicalizeBytes, canonicalizeValue } from '../core/artifacts/canonical-json.ts';
import { type ArtifactKind, type ArtifactPayload, readArtifact } from '../core/artifacts/read-artifact.ts';
import type { SigningAlgorithm } from '../core/artifacts/sign.ts';
import type { JsonValue } from '../core/artifacts/strict-json.ts';
import { badInput, checkFailed, type CliError, type FailureCode } from './cli-error.ts';

/** The kinds of signed document as people type them. */
export const KIND_NAMES = ['fleet', 'rollout-manifest', 'revocations', 'bootstrap-nonces'] as const;

/** A kind of signed document as people type it. */
export type KindName = (typeof KIND_NAMES)[number];

/** A JSON object as it stands in the file, members unknown to us included. */
export type JsonObject = Readonly<Record<string, JsonValue>>;

/** A document that has been read as its kind, but whose signature nobody has looked at. */
export interface Document<Kind extends ArtifactKind = ArtifactKind> {
  readonly kind: Kind;
  /** As it stands in the file. */
  readonly value: JsonObject;
  readonly payload: ArtifactPayload<Kind>;
  /** The canonical form, which is what gets signed. */
  readonly canonical: string;
}

const SCHEMA_VERSION = 1;

/** The member that only documents of the kind have. */
const TELLTALES: readonly (readonly [member: string, kind: ArtifactKind])[] = [
  ['hostSet', 'rollout_manifest'],
  ['revocations', 'revocations'],
  ['bootstrapNonces', 'bootstrap_nonces'],
  ['channels', 'fleet'],
];

/** The kind's name inside, from the one people type. */
export function kindOfName(name: KindName): ArtifactKind {
  switch (name) {
    case 'rollout-manifest':
      return 'rollout_manifest';
    case 'bootstrap-nonces':
      return 'bootstrap_nonces';
    default:
      return name;
  }
}

/** The kind's name as people type it. */
export function nameOfKind(kind: ArtifactKind): string {
  return kind.replace('_', '-');
}

/** The JSON object in the bytes and its canonical form. A failure has the given exit code. */
export function readObject(
  name: string,
  bytes: Uint8Array,
  exitCode: FailureCode = 2,
): { readonly value: JsonObject; readonly canonical: string } {
  const fail = failWith(exitCode);
  const reading = canonicalizeBytes(bytes);
  if (!reading.ok) throw fail(`${name} cannot be read as JSON: ${reading.message}`);
  const { value, canonical } = reading;
  if (!isObject(value)) throw fail(`${name} holds no JSON object, so it is none of ${KIND_NAMES.join(', ')}`);
  return { value, canonical };
}

/** The kind that a document's members show. */
export function detectKind(name: string, value: JsonObject, exitCode: FailureCode = 2): ArtifactKind {
  const found = TELLTALES.find(([member]) => Object.hasOwn(value, member));
  if (found !== undefined) return found[1];
  throw failWith(exitCode)(
    `${name} is no document that can be told by its members (${TELLTALES.map(([member]) => member).join(', ')}): say what it shall be with --kind`,
  );
}

/** Reads a document as the kind, checking what its readers will check but for signature and time. */
export function documentOf<Kind extends ArtifactKind>(
  name: string,
  bytes: Uint8Array,
  kind: Kind,
): Document<Kind> {
  const { value, canonical } = readObject(name, bytes);
  const reading = readArtifact(kind, value);
  if (!reading.ok) throw badInput(`${name} is no valid ${nameOfKind(kind)}; wrong at ${reading.message}`);
  const { schemaVersion } = reading.value;
  if (schemaVersion !== SCHEMA_VERSION)
    throw badInput(
      `${name}: schemaVersion is ${schemaVersion}, but readers know ${SCHEMA_VERSION} only: make it with a matching release tool`,
    );
  return { kind, value, payload: reading.value, canonical };
}

/**
 * The document with `meta.signedAt` set to now, and `meta.signatureAlgorithm` to the key's. Members unknown to us stay.
 * A `meta` that is missing altogether is begun.
 */
export function stamped(
  value: JsonObject,
  now: Timestamp,
  algorithm: SigningAlgorithm,
  more: JsonObject = {},
): JsonObject {
  const meta = value['meta'];
  const before = isObject(meta) ? meta : meta === undefined ? { schemaVersion: SCHEMA_VERSION } : undefined;
  // What is there and no object is left for the reader to refuse by name.
  if (before === undefined) return value;
  return { ...value, meta: { ...before, ...more, signedAt: now, signatureAlgorithm: algorithm } };
}

/** The text of a document in the layout of the file it came from: on lines of its own, or all in one. */
export function textLike(original: Uint8Array, value: JsonObject): string {
  const onLines = Buffer.from(original).toString('utf8').trimEnd().includes('\n');
  return onLines ? `${JSON.stringify(value, null, 2)}\n` : canonicalizeValue(value);
}

/** Whether a JSON value is an object. */
export function isObject(value: JsonValue | undefined): value is { [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failWith(exitCode: FailureCode): (message: string) => CliError {
  return exitCode === 1 ? checkFailed : badInput;
}
