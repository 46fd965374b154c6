import type { Difference } from './compare.ts';

const SHOWN_FAILURES = 5;
const SHOWN_DIFFERENCES = 8;
const SHOWN_LENGTH = 400;

/** Why something failed: the differences to what was expected, or a message where there is nothing to compare. */
export interface Failure {
  /** `file:line`, or the file alone. */
  where: string;
  /** The case and its label; absent where no case could be read. */
  title?: string;
  differences?: readonly Difference[];
  message?: string;
}

/** Counts results per operation and keeps the first few failures for the closing report. */
export class Report {
  readonly #counts = new Map<string, { passed: number; failed: number }>();
  readonly #failures: Failure[] = [];

  /** Counts a case of `group` that agreed. */
  pass(group: string): void {
    this.#count(group).passed++;
  }

  /** Counts a failure under `group`: the operation, or what could not be read. */
  fail(group: string, failure: Failure): void {
    this.#count(group).failed++;
    if (this.#failures.length < SHOWN_FAILURES) this.#failures.push(failure);
  }

  /** How many failed so far. */
  get failed(): number {
    let sum = 0;
    for (const { failed } of this.#counts.values()) sum += failed;
    return sum;
  }

  /** A line per operation, the first five failures, and `N passed, N failed` alone on the last line. */
  lines(): string[] {
    const rows = [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const width = Math.max(0, ...rows.map(([group]) => group.length));
    const lines = rows.map(
      ([group, { passed, failed }]) => `${group.padEnd(width)}  ${passed} passed, ${failed} failed`,
    );
    for (const failure of this.#failures) lines.push('', ...describe(failure));
    const hidden = this.failed - this.#failures.length;
    if (hidden > 0) lines.push('', `… and ${hidden} more`);
    const passed = rows.reduce((sum, [, count]) => sum + count.passed, 0);
    lines.push('', `${passed} passed, ${this.failed} failed`);
    return lines;
  }

  #count(group: string): { passed: number; failed: number } {
    const known = this.#counts.get(group);
    if (known !== undefined) return known;
    const fresh = { passed: 0, failed: 0 };
    this.#counts.set(group, fresh);
    return fresh;
  }
}

function describe(failure: Failure): string[] {
  const { where, title, message, differences = [] } = failure;
  const lines = [title === undefined ? `✗ ${where}` : `✗ ${title}  (${where})`];
  if (message !== undefined) lines.push(`    ${message}`);
  for (const { path, expected, actual } of differences.slice(0, SHOWN_DIFFERENCES)) {
    lines.push(`    at ${path === '' ? 'the whole value' : path}`);
    lines.push(`      - ${show(expected, 'nothing expected')}`);
    lines.push(`      + ${show(actual, 'nothing given')}`);
  }
  const hidden = differences.length - SHOWN_DIFFERENCES;
  if (hidden > 0) lines.push(`    … and ${hidden} more places`);
  return lines;
}

function show(value: unknown, absent: string): string {
  const text = JSON.stringify(value) ?? `(${absent})`;
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}… (${text.length} characters)` : text;
}
