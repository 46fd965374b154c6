import canonicalizeRfc8785 from 'canonicalize';
import { type JsonValue, readJson, readJsonBytes } from './strict-json.ts';

/** A document's canonical form with the value it stands for, or why it could not be read, in words for people. */
export type Canonical =
  | { readonly ok: true; readonly canonical: string; readonly value: JsonValue }
  | { readonly ok: false; readonly message: string };

/** The canonical form (RFC 8785, planner.md §2.3) of a JSON text, read as strictly as `readJson` does. */
export function canonicalize(text: string): Canonical {
  const reading = readJson(text);
  return reading.ok ? { ...reading, canonical: canonicalizeValue(reading.value) } : reading;
}

/** The canonical form of a JSON text given as UTF-8 bytes. */
export function canonicalizeBytes(bytes: Uint8Array): Canonical {
  const reading = readJsonBytes(bytes);
  return reading.ok ? { ...reading, canonical: canonicalizeValue(reading.value) } : reading;
}

/**
 * The canonical form of a value. Members that are undefined are left out. For producers only: a verifier hashes what
 * it received (planner.md §4.4). Throws where the value has no JSON form (NaN, a lone surrogate, a cycle, undefined).
 */
export function canonicalizeValue(value: unknown): string {
  const canonical = canonicalizeRfc8785(value);
  if (canonical === undefined) throw new TypeError('the value has no JSON form');
  return canonical;
}
