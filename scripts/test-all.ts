/** Runs every level of tests in order and closes with one line `N passed, N failed` over all of them. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Count, runLevel, type TestLevel } from './test-levels.ts';

const MINUTE_MS = 60_000;
const VECTORS = globSync('test/conformance/vectors/*.jsonl*').toSorted();

const LEVELS: readonly TestLevel[] = [
  {
    name: 'unit',
    command: ['vitest', 'run', '--project', 'unit'],
    limitMs: 10 * MINUTE_MS,
    count: 'vitest',
  },
  {
    name: 'conformance',
    command: ['node', 'test/conformance/run.ts', ...VECTORS],
    limitMs: 10 * MINUTE_MS,
    count: 'last-line',
  },
  {
    name: 'simulator',
    command: ['npm', 'run', '--silent', 'simulate', '--', '--all'],
    limitMs: 60 * MINUTE_MS,
    count: 'last-line',
  },
  {
    name: 'fuzz',
    command: ['vitest', 'run', '--project', 'fuzz'],
    limitMs: 10 * MINUTE_MS,
    count: 'vitest',
  },
  {
    name: 'integration',
    command: ['vitest', 'run', '--project', 'integration'],
    limitMs: 30 * MINUTE_MS,
    count: 'vitest',
  },
  { name: 'demo', command: ['node', 'src/dev/demo/main.ts'], limitMs: 10 * MINUTE_MS, count: 'exit-code' },
  {
    name: 'cluster',
    command: ['node', 'src/dev/cluster/level.ts'],
    limitMs: 30 * MINUTE_MS,
    count: 'vitest',
  },
  { name: 'image', command: ['node', 'src/dev/image/level.ts'], limitMs: 30 * MINUTE_MS, count: 'vitest' },
];

function text({ passed, failed }: Count): string {
  return `${passed} passed, ${failed} failed`;
}

const total: Count = { passed: 0, failed: 0 };
const summary: string[] = [];
for (const level of LEVELS) {
  console.log(`\n=== ${level.name}: ${level.command.slice(0, 4).join(' ')}`);
  const started = performance.now();
  const count = await runLevel(level);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  summary.push(
    `${level.name.padEnd(12)} ${seconds.padStart(6)} s   ${count.skipped === true ? 'SKIPPED' : text(count)}`,
  );
  console.log(summary.at(-1));
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`\n${summary.join('\n')}\n`);
mkdirSync('reports', { recursive: true });
writeFileSync(join('reports', 'test-sum.txt'), `${text(total)}\n`);
console.log(text(total));
process.exitCode = total.failed > 0 ? 1 : 0;
