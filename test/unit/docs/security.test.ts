import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const [, table = ''] =
  /<!-- threats -->([\s\S]*)<!-- end -->/.exec(readFileSync('docs/security.md', 'utf8')) ?? [];
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));

test('every kind of threat has rows', () => {
  const kinds = new Set(rows.map(([, threat = '']) => threat.slice(2, 3)));
  expect([...kinds].toSorted()).toEqual(['D', 'E', 'I', 'R', 'S', 'T']);
});

test.each(rows.map(([, threat = '', , covering = '']) => [threat, covering] as const))(
  '%s: the test that covers it exists',
  (_, covering) => {
    const { file = '', name = '' } = /^`(?<file>[^`]+)` › (?<name>.+)$/.exec(covering)?.groups ?? {};
    expect(existsSync(file), covering).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain(name);
  },
);
