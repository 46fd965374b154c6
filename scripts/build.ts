/** Bundles the operator into dist/main.mjs, one file that needs Node 24 and nothing else. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'dist', 'main.mjs');

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
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
console.log(`dist/main.mjs: ${(statSync(OUT).size / 1024 / 1024).toFixed(1)} MiB`);
