import fc from 'fast-check';

/** A JSON document as text or bytes, and what it may be taken for. */
export type Payload = string | Buffer;

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Single values that decoders trip over, as JSON text. */
const hostileValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'null',
    '-0',
    '1e400',
    '-1',
    '0.1',
    '18446744073709551615',
    '18446744073709551616',
    '9007199254740993',
    'true',
    '{}',
    '[]',
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"2026-13-45T99:99:99Z"',
    '"2026-06-01T10:00:00"',
    '"9999-12-31T23:59:60.999999999999Z"',
    '"0000-01-01T00:00:00+23:59"',
    '"__proto__"',
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    nested(50),
    nested(20_000),
  ),
  fc.integer({ min: 1, max: 200_000 }).map((length) => JSON.stringify('x'.repeat(length))),
  fc.integer({ min: 1, max: 3_000 }).map((length) => `[${Array(length).fill('{}').join()}]`),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => JSON.stringify(text)),
  fc.double().map((value) => (Number.isFinite(value) ? JSON.stringify(value) : '"NaN"')),
);

/** Paths to every member of a value. */
function pathsOf(value: unknown, prefix: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...prefix, key],
    ...pathsOf(inner, [...prefix, key]),
  ]);
}

/** The text of `value` with the member at `path` left out, or its text replaced. */
function printWith(value: unknown, path: readonly string[], text: string | undefined): string {
  const [key, ...rest] = path;
  if (typeof value !== 'object' || value === null || key === undefined) return text ?? 'null';
  const members = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== key) return [[name, JSON.stringify(inner)]];
    if (rest.length > 0) return [[name, printWith(inner, rest, text)]];
    return text === undefined ? [] : [[name, text]];
  });
  if (Array.isArray(value)) return `[${members.map(([, printed]) => printed).join()}]`;
  return `{${members.map(([name, printed]) => `${JSON.stringify(name)}:${printed}`).join()}}`;
}

/** The document with one or two of its members missing, replaced, repeated or joined by others. */
function structural(document: object): fc.Arbitrary<string> {
  const paths = pathsOf(document);
  const path = fc.constantFrom(...paths);
  return fc.oneof(
    path.map((at) => printWith(document, at, undefined)),
    fc.tuple(path, hostileValue).map(([at, value]) => printWith(document, at, value)),
    fc
      .tuple(fc.string({ maxLength: 20 }), hostileValue)
      .map(([name, value]) => `${JSON.stringify(document).slice(0, -1)},${JSON.stringify(name)}:${value}}`),
    hostileValue.map((value) => `${JSON.stringify(document).slice(0, -1)},"__proto__":${value}}`),
  );
}

/** The document cut, wrapped, doubled, mistyped or drowned in blanks. */
function textual(document: object): fc.Arbitrary<Payload> {
  const text = JSON.stringify(document);
  return fc.oneof(
    fc.nat({ max: text.length }).map((end) => text.slice(0, end)),
    fc.constantFrom(`[${text}]`, `${text}${text}`, `\ufeff${text}`, text.replaceAll('"', "'"), ` ${text}\n`),
    fc
      .tuple(fc.nat({ max: text.length }), fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([at, bytes]) =>
        Buffer.concat([Buffer.from(text.slice(0, at)), bytes, Buffer.from(text.slice(at))]),
      ),
    fc.integer({ min: 1, max: 100_000 }).map((count) => `${' '.repeat(count)}${text}`),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(Buffer.alloc(2 * 1024 * 1024 + 1, 0x20)),
  );
}

/** The document as somebody sends it who means harm; now and then as it should be. */
export function hostileJson(document: object): fc.Arbitrary<Payload> {
  return fc.oneof(
    { arbitrary: structural(document), weight: 8 },
    { arbitrary: textual(document), weight: 3 },
    { arbitrary: fc.constant(JSON.stringify(document)), weight: 1 },
    { arbitrary: hostileValue, weight: 1 },
  );
}
