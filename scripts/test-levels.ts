import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** How many tests of a level passed and failed. */
export interface Count {
  passed: number;
  failed: number;
  /** The level said, loudly, that it does not run on this machine. */
  skipped?: true;
}

/** One level of tests: a command, and how to count what it did. */
export interface TestLevel {
  name: string;
  command: readonly [string, ...string[]];
  /** A level that takes longer is killed and counts as failed. */
  limitMs: number;
  count: 'vitest' | 'last-line' | 'exit-code';
}

const ROOT = join(import.meta.dirname, '..');
const REPORTS = join(ROOT, 'reports');
/** What src/dev/skipped.ts sets. */
const EXIT_SKIPPED = 77;
const SUM_LINE = /^(\d+) passed, (\d+) failed$/;

const vitestSchema = z.object({ numPassedTests: z.int(), numFailedTests: z.int() });

/**
 * Runs one level with its output going through, and counts.
 *
 * A level whose process fails although it reports no failed test (it crashed, hung, or could not load a file) counts
 * as one failure more.
 */
export async function runLevel(level: TestLevel): Promise<Count> {
  await mkdir(REPORTS, { recursive: true });
  const report = join(REPORTS, `${level.name}.json`);
  await rm(report, { force: true });
  const { exitCode, sum } = await run(level, report);
  if (exitCode === EXIT_SKIPPED) return { passed: 0, failed: 0, skipped: true };
  const count = await countOf(level, report, exitCode, sum);
  return exitCode !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

async function countOf(
  level: TestLevel,
  report: string,
  exitCode: number,
  sum: Count | undefined,
): Promise<Count> {
  switch (level.count) {
    case 'vitest':
      return readVitestReport(report);
    case 'last-line':
      return sum ?? { passed: 0, failed: 1 };
    case 'exit-code':
      return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  }
}

async function readVitestReport(report: string): Promise<Count> {
  try {
    const { numPassedTests, numFailedTests } = vitestSchema.parse(JSON.parse(await readFile(report, 'utf8')));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return { passed: 0, failed: 1 }; // it ended before it could report
  }
}

async function run(level: TestLevel, report: string): Promise<{ exitCode: number; sum: Count | undefined }> {
  const [file, ...args] = level.command;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(file, level.count === 'vitest' ? [...args, ...reporters] : args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: level.limitMs,
    killSignal: 'SIGKILL',
  });
  let sum: Count | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const match = SUM_LINE.exec(line);
    if (match === null) console.log(line);
    else sum = { passed: Number(match[1]), failed: Number(match[2]) }; // only the sum of all levels is printed as such
  });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`${file}: ${error.message}`);
      resolve({ exitCode: 1, sum });
    });
    child.once('close', (code) => resolve({ exitCode: code ?? 1, sum }));
  });
}
