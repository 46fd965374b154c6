/**
 * `make bench`: the planner, the state machine and whole rollouts against the goals of architecture.md §5. Numbers of
 * hosts as arguments replace 300 and 1,000.
 *
 * The goals hold for a machine whose SHA-256 runs at 1,730 MB/s in blocks of 8 KiB; they are scaled to this one.
 */
import { hash } from 'node:crypto';
import { demoWrites } from './demo-writes.ts';
import { benchFleetPlan, benchPlan, type BenchRow } from './plan.ts';
import { describeRollout, describeWrites } from './rollout-report.ts';
import { benchRollout } from './rollout.ts';
import { benchStep } from './step.ts';

const REFERENCE_MB_PER_SECOND = 1_730;
const STEP_GOAL_NANOS = 276;

function sha256MegabytesPerSecond(): number {
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

function line(name: string, measured: number, goal: number, unit: string): string {
  const verdict = measured <= goal ? 'reached' : `${(measured / goal).toFixed(1)} times the goal`;
  return `${name.padEnd(52)} ${measured.toFixed(3).padStart(10)} ${unit}   goal ${goal.toFixed(3)} ${unit}   ${verdict}`;
}

const speed = sha256MegabytesPerSecond();
const scale = REFERENCE_MB_PER_SECOND / speed;
console.log(`SHA-256: ${speed.toFixed(0)} MB/s; goals are multiplied by ${scale.toFixed(2)}\n`);
const rows: readonly BenchRow[] = [...benchPlan(), ...benchFleetPlan()];
for (const { name, bestMillis, goalMillis } of rows)
  console.log(line(name, bestMillis, goalMillis * scale, 'ms'));
console.log(line('step, seven-event happy path', benchStep().nanosPerStep, STEP_GOAL_NANOS * scale, 'ns'));

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [300, 1_000];
for (const hosts of sizes) {
  const bench = await benchRollout(hosts, (progress) => console.error(`… ${progress}`));
  console.log(`\n${describeRollout(bench).join('\n')}`);
}
console.error('… playing the demo');
const demo = await demoWrites();
console.log(
  `\nthe demo, ${demo.hosts} hosts that enrol first\n${describeWrites(demo.writes, demo.hosts).join('\n')}`,
);
