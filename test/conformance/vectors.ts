/**
 * The recorded cases of v0.2 as vitest tests, for mutation testing alone: `make test` runs them with run.ts, which
 * shows differences better. Each room has a test file of its own, and a file of cases is read when its test runs,
 * because every mutant waits for all that its tests load.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCase, readLines } from './cases.ts';
import { comparisonFor, differences } from './compare.ts';
import type { Op } from './ops/op.ts';

const FOLDER = join(import.meta.dirname, 'vectors');

/** A test for each of the files: its cases of these operations, of which there has to be one, agree with v0.2. */
export function testVectors(ops: Readonly<Record<string, Op>>, files: readonly string[]): void {
  test.each(files)('the cases of %s agree with v0.2', async (name) => {
    let compared = 0;
    for await (const { text } of readLines(join(FOLDER, name))) {
      const { id, op, input, expect: wanted, orderSensitive } = parseCase(text);
      const run = ops[op];
      if (run === undefined) continue;
      expect(differences(wanted, run(input), comparisonFor(op, orderSensitive)), id).toEqual([]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  });
}
