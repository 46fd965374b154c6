import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { type Case, parseCase, readLines } from './cases.ts';
import { comparisonFor, differences } from './compare.ts';
import { findOp, opNames } from './registry.ts';
import { Report } from './report.ts';

/**
 * Runs vector files against the pure core: `npm run conformance -- FILE…`, or the checked-in vectors without FILE.
 * Closes with `N passed, N failed`; the exit code is 1 where anything failed or could not be read.
 */
async function main(files: readonly string[]): Promise<void> {
  const report = new Report();
  for (const file of files.length > 0 ? files : ownVectors()) await runFile(file, report);
  console.log(report.lines().join('\n'));
  process.exitCode = report.failed > 0 ? 1 : 0;
}

function ownVectors(): string[] {
  const folder = join(import.meta.dirname, 'vectors');
  return readdirSync(folder)
    .filter((name) => /\.jsonl(\.gz)?$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

async function runFile(file: string, report: Report): Promise<void> {
  let lines = 0;
  try {
    for await (const { number, text } of readLines(file)) {
      lines++;
      runLine(text, `${basename(file)}:${number}`, report);
    }
    if (lines === 0) report.fail('(unreadable)', { where: file, message: 'the file has no case' });
  } catch (error) {
    report.fail('(unreadable)', { where: file, message: messageOf(error) });
  }
}

function runLine(text: string, where: string, report: Report): void {
  let item: Case;
  try {
    item = parseCase(text);
  } catch (error) {
    report.fail('(unreadable)', { where, message: messageOf(error) });
    return;
  }
  const title = item.label === undefined ? item.id : `${item.id}: ${item.label}`;
  const op = findOp(item.op);
  if (op === undefined) {
    report.fail(item.op, {
      where,
      title,
      message: `unknown op "${item.op}"; known are ${opNames().join(', ')}`,
    });
    return;
  }
  try {
    const found = differences(item.expect, op(item.input), comparisonFor(item.op, item.orderSensitive));
    if (found.length === 0) report.pass(item.op);
    else report.fail(item.op, { where, title, differences: found });
  } catch (error) {
    report.fail(item.op, { where, title, message: `the op threw: ${messageOf(error)}` });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

await main(process.argv.slice(2));
