import { hash } from 'node:crypto';

/** A figure and the goal of architecture.md §5 for it. */
export interface Figure {
  readonly name: string;
  readonly measured: number;
  readonly goal: number;
  readonly unit: string;
  /** Whether the goal is the least; otherwise it is the most. */
  readonly atLeast?: boolean;
}

const REFERENCE_MB_PER_SECOND = 1_730;

/** SHA-256 over blocks of 8 KiB on this machine, in MB/s: the best of five. */
export function sha256MegabytesPerSecond(): number {
  const block = Buffer.alloc(8192);
  const rounds = 20_000;
  let best = 0;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const started = performance.now();
    for (let round = 0; round < rounds; round += 1) hash('sha256', block, 'buffer');
    best = Math.max(best, (rounds * block.length) / 1000 / (performance.now() - started));
  }
  return best;
}

/** By what a goal in units of time is multiplied on a machine of this speed (architecture.md §5). */
export function timeScale(megabytesPerSecond: number): number {
  return REFERENCE_MB_PER_SECOND / megabytesPerSecond;
}

/** A line that says whether the goal is reached. */
export function describeFigure({ name, measured, goal, unit, atLeast = false }: Figure): string {
  const reached = atLeast ? measured >= goal : measured <= goal;
  const verdict = reached ? 'reached' : `${(measured / goal).toFixed(2)} times the goal`;
  const digits = Math.max(measured, goal) < 1_000 ? 3 : 0;
  const bound = atLeast ? 'at least ' : '';
  return `${name.padEnd(52)} ${measured.toFixed(digits).padStart(10)} ${unit}   goal ${bound}${goal.toFixed(digits)} ${unit}   ${verdict}`;
}
