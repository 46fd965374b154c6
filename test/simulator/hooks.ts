import { registerHooks } from 'node:module';

/**
 * Preloaded (`node --import`) before anything of the operator:
 * - zlib works on the same thread, because a thread's answer comes when it likes and a run would not repeat;
 * - `MUTATE` breaks places of the source (mutants.ts), to see that the invariants notice.
 */
const SYNC_ZLIB = `
import * as zlib from 'node:zlib';
const later = (work) => (bytes, options, done) => {
  try { done(null, work(bytes, options)); } catch (error) { done(error); }
};
export const gzip = later(zlib.gzipSync);
export const gunzip = later(zlib.gunzipSync);
`;

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
    if (specifier === 'node:zlib' && context.parentURL?.endsWith('.ts') === true) {
      return { url: 'simulator:zlib', format: 'module', shortCircuit: true };
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (url === 'simulator:zlib') return { format: 'module', source: SYNC_ZLIB, shortCircuit: true };
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
