import { describe, expect, it } from 'vitest';
import { checkSurvivors, survivorsOf, type MutationReport } from '../../../scripts/mutation-survivors.ts';

const SOURCE = ['export function both(a: number) {', '  return a > 0 &&', '    a < 9;', '}'].join('\n');

/** A report of one file, in which the condition was broken. */
function report(status: string, replacement = 'a >= 0'): MutationReport {
  const location = { start: { line: 2, column: 10 }, end: { line: 2, column: 15 } };
  return { files: { 'src/core/both.ts': { source: SOURCE, mutants: [{ status, replacement, location }] } } };
}

const KEY = 'src/core/both.ts\treturn a > 0 &&\ta > 0\ta >= 0';

describe('the survivors of a report', () => {
  it.each(['Survived', 'NoCoverage'])('are those that are %s', (status) => {
    expect(survivorsOf(report(status))).toEqual([{ file: 'src/core/both.ts', line: 2, key: KEY }]);
  });

  it.each(['Killed', 'Timeout', 'Ignored', 'CompileError'])('are none that is %s', (status) => {
    expect(survivorsOf(report(status))).toEqual([]);
  });

  it('are named by their place in one line of text, however many they take', () => {
    const location = { start: { line: 2, column: 10 }, end: { line: 3, column: 10 } };
    const mutants = [{ status: 'Survived', replacement: '{\n  true\n}', location }];
    const [found] = survivorsOf({ files: { f: { source: SOURCE, mutants } } });
    expect(found?.key).toBe('f\treturn a > 0 &&\ta > 0 && a < 9\t{ true }');
  });
});

describe('explanations', () => {
  it('cover the survivor of their place and replacement, and no other', () => {
    expect(checkSurvivors(report('Survived'), [`${KEY}\ta is never 0`])).toEqual({
      unexplained: [],
      outdated: [],
    });
    const other = checkSurvivors(report('Survived', 'false'), [`${KEY}\ta is never 0`]);
    expect(other.unexplained).toHaveLength(1);
    expect(other.outdated).toEqual([KEY]);
  });

  it('of files that the report did not look at are not outdated', () => {
    const elsewhere = 'src/core/other.ts\ta\tb\tc\twhy';
    expect(checkSurvivors(report('Killed'), [elsewhere, `${KEY}\twhy`]).outdated).toEqual([KEY]);
  });
});
