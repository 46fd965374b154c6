import { registerHooks } from 'node:module';

/**
 * Preloaded (`node --import`) before anything of the operator:
 * - zlib works on the same thread, because a thread's answer comes when it likes and a run would not repeat;
 * - signatures that were checked before are not computed again: every replica checks the same few;
 * - `MUTATE` breaks places of the source (mutants.ts), to see that the invariants notice.
 */
const SYNC_ZLIB = `
import * as zlib from 'node:zlib';
const known = new Map();
const remembering = (work, bytes, options) => {
  const name = work.name + bytes.toString('latin1');
  if (!known.has(name)) {
    if (known.size >= 64) known.clear();
    known.set(name, work(bytes, options));
  }
  return Buffer.from(known.get(name));
};
const later = (work) => (bytes, options, done) => {
  let result;
  try { result = remembering(work, bytes, options); } catch (error) { return done(error); }
  done(null, result);
};
export const gzip = later(zlib.gzipSync);
export const gunzip = later(zlib.gunzipSync);
`;

const REMEMBERED = 256;
const REMEMBERING_CRYPTO = `
import * as crypto from 'node:crypto';
export * from 'node:crypto';
const remembering = (nameOf, work) => {
  const known = new Map();
  return (...inputs) => {
    const name = nameOf(...inputs);
    if (!known.has(name)) {
      if (known.size >= ${REMEMBERED}) known.clear();
      known.set(name, work(...inputs));
    }
    return known.get(name);
  };
};
const latin1 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
export const createPublicKey = remembering((input) => JSON.stringify(input), crypto.createPublicKey);
const keys = new Map();
const numberOf = (key) => keys.get(key) ?? keys.set(key, keys.size).get(key);
export const verify = remembering(
  (hash, message, key, signature) => [hash, numberOf(key.key ?? key), latin1(signature), latin1(message)].join(),
  crypto.verify,
);
`;

/** Modules that take the place of node's where the operator imports them. */
const STAND_INS: ReadonlyMap<string, string> = new Map([
  ['simulator:zlib', SYNC_ZLIB],
  ['simulator:crypto', REMEMBERING_CRYPTO],
]);

function standInFor(specifier: string, parent: string | undefined): string | undefined {
  if (specifier === 'node:zlib' && parent?.endsWith('.ts') === true) return 'simulator:zlib';
  if (specifier === 'node:crypto' && parent?.endsWith('core/artifacts/keys.ts') === true) {
    return 'simulator:crypto';
  }
  return undefined;
}

interface Change {
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

const changes = JSON.parse(process.env['MUTATE'] ?? '[]') as readonly Change[];

function textOf(source: unknown): string {
  return Buffer.isBuffer(source) ? source.toString('utf8') : JSON.stringify(source);
}

registerHooks({
  resolve(specifier, context, next) {
    const url = standInFor(specifier, context.parentURL);
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
  },
  load(url, context, next) {
    const standIn = STAND_INS.get(url);
    if (standIn !== undefined) return { format: 'module', source: standIn, shortCircuit: true };
    const loaded = next(url, context);
    let source = '';
    for (const { file, text, replacement } of changes) {
      if (!url.endsWith(file)) continue;
      if (source === '') source = textOf(loaded.source);
      if (!source.includes(text))
        throw new Error(`${file} does not contain ${JSON.stringify(text)}: mend the mutant`);
      source = source.replace(text, replacement);
    }
    return source === '' ? loaded : { ...loaded, source };
  },
});
