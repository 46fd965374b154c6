/** Bundles the operator into dist/main.mjs, or where an argument says, one file that needs Node 24 and nothing else. */
import { rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const asked = process.argv[2];
const OUT = asked === undefined ? join(DIST, 'main.mjs') : resolve(asked);

if (asked === undefined) rmSync(DIST, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  outfile: OUT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  keepNames: true,
  sourcemap: true,
  sourcesContent: false, // stack traces need lines, not the sources themselves
  // CommonJS packages in an ES module bundle ask for "require" at run time.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
console.log(`${asked ?? 'dist/main.mjs'}: ${(statSync(OUT).size / 1024 / 1024).toFixed(1)} MiB`);
