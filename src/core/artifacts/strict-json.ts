/** Any value that JSON can express. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** The value of a JSON text, or why it was refused, in words for people. */
export type JsonReading =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly message: string };

/** Arrays and objects may be nested this deep; one level more is refused (planner.md §2.1). */
const MAX_DEPTH = 127;

const LONE_SURROGATE = 'a \\u escape leaves half a surrogate pair';
const TOO_LARGE = 'a number does not fit a double';

/**
 * Reads a JSON text as strictly as NixFleet does (planner.md §2.1): RFC 8259 grammar, and in addition no number beyond
 * the doubles, no lone surrogate and no nesting of 128 levels. Of members that occur twice the last one wins, but what
 * is wrong in the others is refused nevertheless. Members called `__proto__` are members like any other.
 */
export function readJson(text: string): JsonReading {
  const problem = scan(text);
  // Refused before the parser builds what nobody may walk.
  if (problem === TOO_DEEP) return { ok: false, message: problem };
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : 'no JSON' };
  }
  return problem === undefined ? { ok: true, value } : { ok: false, message: problem };
}

/** As `readJson`, from bytes, which must be UTF-8 without a byte-order mark. */
export function readJsonBytes(bytes: Uint8Array): JsonReading & { readonly text?: string } {
  let text: string;
  try {
    // ignoreBOM keeps the mark in the text, where the grammar refuses it.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, message: 'the bytes are not UTF-8' };
  }
  return readJson(text);
}

const TOO_DEEP = `arrays and objects are nested more than ${MAX_DEPTH} deep`;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MINUS = 0x2d;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HIGH_ESCAPE = /\\u[dD][89abAB][\da-fA-F]{2}/y;
const LOW_ESCAPE = /\\u[dD][c-fC-F][\da-fA-F]{2}/y;

/** What JSON.parse lets through; the answer is meaningful only for a text that it accepts, but for the nesting. */
function scan(text: string): string | undefined {
  let problem = text.isWellFormed() ? undefined : LONE_SURROGATE;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      const string = scanString(text, at);
      at = string.end;
      if (!string.wellFormed) problem ??= LONE_SURROGATE;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return TOO_DEEP;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      depth--;
    } else if (unit === MINUS || isDigit(unit)) {
      const number = matchAt(NUMBER, text, at);
      // A minus alone is the parser's to refuse.
      if (number === undefined) continue;
      at += number.length - 1;
      if (!Number.isFinite(Number(number))) problem ??= TOO_LARGE;
    }
  }
  return problem;
}

/** From an opening quote to its closing one (or the end of the text). */
function scanString(text: string, start: number): { end: number; wellFormed: boolean } {
  let wellFormed = true;
  let at = start + 1;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) break;
    if (unit !== BACKSLASH) continue;
    if (matchAt(HIGH_ESCAPE, text, at) !== undefined && matchAt(LOW_ESCAPE, text, at + 6) !== undefined)
      at += 11;
    else if (matchAt(HIGH_ESCAPE, text, at) !== undefined || matchAt(LOW_ESCAPE, text, at) !== undefined) {
      wellFormed = false;
      at += 5;
    } else at++;
  }
  return { end: at, wellFormed };
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
