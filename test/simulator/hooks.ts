import { registerHooks } from 'node:module';

/**
 * Preloaded (`node --import`) before anything of the operator:
 * - zlib works on the same thread, because a thread's answer comes when it likes and a run would not repeat;
 * - `MUTATE=<file>⏎<text>⏎<replacement>` breaks one place of the source, to see that the invariants notice.
 */
const SYNC_ZLIB = `
import * as zlib from 'node:zlib';
const later = (work) => (bytes, options, done) => {
  try { done(null, work(bytes, options)); } catch (error) { done(error); }
};
export const gzip = later(zlib.gzipSync);
export const gunzip = later(zlib.gunzipSync);
`;

const mutation = process.env['MUTATE']?.split('\n--\n');

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
    const [file, text, replacement] = mutation ?? [];
    if (file === undefined || text === undefined || replacement === undefined || !url.endsWith(file))
      return loaded;
    const source = String(loaded.source);
    if (!source.includes(text))
      throw new Error(`${file} does not contain ${JSON.stringify(text)}: mend the mutant`);
    return { ...loaded, source: source.replace(text, replacement) };
  },
});
