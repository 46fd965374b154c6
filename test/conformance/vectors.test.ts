/**
 * The recorded cases of v0.2 as vitest tests, for mutation testing alone: `make test` runs them with run.ts, which
 * shows differences better. A file is read when its test runs, because most mutants reach few of them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCase, readLines } from './cases.ts';
import { comparisonFor, differences } from './compare.ts';
import { findOp } from './registry.ts';

const FOLDER = join(import.meta.dirname, 'vectors');

test.each(readdirSync(FOLDER).toSorted())('the cases of %s agree with v0.2', async (name) => {
  for await (const { text } of readLines(join(FOLDER, name))) {
    const { id, op, input, expect: wanted, orderSensitive } = parseCase(text);
    expect(differences(wanted, findOp(op)?.(input), comparisonFor(op, orderSensitive)), id).toEqual([]);
  }
});
