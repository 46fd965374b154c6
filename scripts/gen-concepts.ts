/** Writes the generated sections of docs/concepts.md. `--check` writes nothing and fails where they differ. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTables } from './concepts-tables.ts';

const FILE = join(import.meta.dirname, '..', 'docs', 'concepts.md');
const present = readFileSync(FILE, 'utf8');
const wanted = withTables(present);
if (!process.argv.includes('--check')) writeFileSync(FILE, wanted);
else if (wanted !== present) {
  console.error(
    'docs/concepts.md differs from the gates and reasons in src/api: run `make docs` and commit it',
  );
  process.exitCode = 1;
}
