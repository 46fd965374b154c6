import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FLAG = /--max-semi-space-size=\d+/g;

test('the young part of the heap has the same size wherever an operator is started (docs/adr/0030)', () => {
  const flags = ['bin/nixfleet-operator', 'Dockerfile', 'src/dev/local/operator-process.ts'].map((path) =>
    readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8').match(FLAG),
  );
  expect(new Set(flags.flat())).toEqual(new Set(['--max-semi-space-size=4']));
  expect(flags.map((found) => found?.length)).toEqual([1, 1, 1]);
});
