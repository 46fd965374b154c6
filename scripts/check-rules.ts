/** Checks the rules of CONTRIBUTING.md that no other tool knows: import direction, ambient time and state, doc comments. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { violations } from './source-rules.ts';

const ROOT = join(import.meta.dirname, '..');
const paths = globSync('src/**/*.ts', { cwd: ROOT }).toSorted();
const found = violations(paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })));
for (const { path, line, message } of found) console.log(`${path}:${line}: ${message}`);
console.log(`${paths.length} files, ${found.length} rules broken`);
process.exitCode = found.length > 0 ? 1 : 0;
