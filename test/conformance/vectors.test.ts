/**
 * The recorded cases of v0.2 as vitest tests, for mutation testing alone: `make test` runs them with run.ts, which
 * shows differences better. Cases are told in groups, since each test costs a mutant some time.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCase, readLines, type Case } from './cases.ts';
import { comparisonFor, differences } from './compare.ts';
import { findOp } from './registry.ts';

const FOLDER = join(import.meta.dirname, 'vectors');
const GROUP = 20;

async function casesByOp(): Promise<Map<string, Case[]>> {
  const cases: Case[] = [];
  for (const name of readdirSync(FOLDER).toSorted())
    for await (const { text } of readLines(join(FOLDER, name))) cases.push(parseCase(text));
  return Map.groupBy(cases, ({ op }) => op);
}

describe.each([...(await casesByOp())])('%s agrees with v0.2', (name, cases) => {
  const groups = Array.from({ length: Math.ceil(cases.length / GROUP) }, (_, index) => index * GROUP);

  test.each(groups)('from case %d on', (start) => {
    const op = findOp(name);
    for (const { id, input, expect: wanted, orderSensitive } of cases.slice(start, start + GROUP))
      expect(differences(wanted, op?.(input), comparisonFor(name, orderSensitive)), id).toEqual([]);
  });
});
