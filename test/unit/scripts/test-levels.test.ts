import { expect, test } from 'vitest';
import { type Count, runLevel, type TestLevel } from '../../../scripts/test-levels.ts';

const cases: [name: string, count: TestLevel['count'], script: string, expected: Count][] = [
  ['a sum on the last line', 'last-line', 'console.log("3 passed, 0 failed")', { passed: 3, failed: 0 }],
  [
    'a sum with failures',
    'last-line',
    'console.log("3 passed, 2 failed"); process.exit(1)',
    { passed: 3, failed: 2 },
  ],
  ['no sum at all', 'last-line', 'console.log("3 passed")', { passed: 0, failed: 1 }],
  [
    'a crash after a clean sum',
    'last-line',
    'console.log("3 passed, 0 failed"); process.exit(7)',
    { passed: 3, failed: 1 },
  ],
  ['a clean exit', 'exit-code', '0', { passed: 1, failed: 0 }],
  ['a failing exit', 'exit-code', 'process.exit(2)', { passed: 0, failed: 1 }],
  ['a death by signal', 'exit-code', 'process.kill(process.pid, "SIGKILL")', { passed: 0, failed: 1 }],
  [
    'a level that says that it does not run on this machine',
    'vitest',
    'process.exit(77)',
    { passed: 0, failed: 0, skipped: true },
  ],
  ['a vitest that ended before its report', 'vitest', '0', { passed: 0, failed: 1 }],
];

test.for(cases)('%s', async ([, count, script, expected]) => {
  const level: TestLevel = {
    name: 'level-under-test',
    command: [process.execPath, '-e', script, '--'],
    limitMs: 60_000,
    count,
  };
  expect(await runLevel(level)).toEqual(expected);
});

test('a program that does not exist is a failure, not a crash of the runner', async () => {
  const level: TestLevel = {
    name: 'level-under-test',
    command: ['no-such-program'],
    limitMs: 60_000,
    count: 'exit-code',
  };
  expect(await runLevel(level)).toEqual({ passed: 0, failed: 1 });
});
