/**
 * `make bench`: everything that architecture.md §5 gives a goal for. Arguments choose parts (`npm run bench -- plan
 * heartbeats`); numbers are hosts of the rollouts, instead of 300 and 1,000.
 *
 * The goals hold for a machine whose SHA-256 runs at 1,730 MB/s in blocks of 8 KiB; where the CPU decides they are
 * scaled to this one.
 */
import { demoWrites } from './demo-writes.ts';
import { benchFollowedPlan } from './followed-plan.ts';
import { describeFigure, sha256MegabytesPerSecond, timeScale } from './goals.ts';
import { benchHeartbeats, describeHeartbeats, heartbeatFigures } from './heartbeats.ts';
import { benchFleetPlan, benchPlan } from './plan.ts';
import { benchRawWrites } from './raw-writes.ts';
import { describeRollout, describeWrites } from './rollout-report.ts';
import { benchRollout } from './rollout.ts';
import { benchScale, describeScale, scaleFigures } from './scale.ts';
import { benchStep } from './step.ts';

const STEP_GOAL_NANOS = 276;
const AGENTS = 1_000;
const MANY_HOSTS = 10_000;
const ROLLOUT_SIZES = [300, 1_000];

const speed = sha256MegabytesPerSecond();
const scale = timeScale(speed);
const numbers = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument));
const names = process.argv.slice(2).filter((argument) => !/^\d+$/.test(argument));
const progress = (line: string): void => console.error(`… ${line}`);

/** In the order in which they run; what measures this process itself comes first. */
const parts: Readonly<Record<string, () => Promise<void> | void>> = {
  plan() {
    for (const { name, bestMillis, goalMillis } of [...benchPlan(), ...benchFleetPlan()])
      console.log(describeFigure({ name, measured: bestMillis, goal: goalMillis * scale, unit: 'ms' }));
    for (const figure of benchFollowedPlan()) console.log(describeFigure(figure));
  },
  step() {
    const measured = benchStep().nanosPerStep;
    const name = 'step, seven-event happy path';
    console.log(describeFigure({ name, measured, goal: STEP_GOAL_NANOS * scale, unit: 'ns' }));
  },
  async heartbeats() {
    const bench = await benchHeartbeats(AGENTS, progress);
    console.log(`\n${describeHeartbeats(bench).join('\n')}`);
    for (const figure of heartbeatFigures(bench, scale)) console.log(describeFigure(figure));
  },
  async scale() {
    const bench = await benchScale(MANY_HOSTS, progress);
    console.log(`\n${describeScale(bench).join('\n')}`);
    for (const figure of scaleFigures(bench, scale)) console.log(describeFigure(figure));
  },
  async rollout() {
    for (const hosts of numbers.length > 0 ? numbers.map(Number) : ROLLOUT_SIZES) {
      const bench = await benchRollout(hosts, progress);
      console.log(`\n${describeRollout(bench).join('\n')}`);
    }
  },
  async demo() {
    progress('playing the demo');
    const demo = await demoWrites();
    console.log(
      `\nthe demo, ${demo.hosts} hosts that enrol first\n${describeWrites(demo.writes, demo.hosts).join('\n')}`,
    );
  },
  async raw() {
    progress('writing as fast as the API server takes it');
    for (const { inFlight, perSecond, clientMicros } of await benchRawWrites())
      console.log(`${inFlight} in flight: ${perSecond} status writes/s, ${clientMicros} µs of our CPU each`);
  },
};

const unknown = names.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; choose from ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const chosen = new Set(numbers.length > 0 ? [...names, 'rollout'] : names);
console.log(`SHA-256: ${speed.toFixed(0)} MB/s; goals in time are multiplied by ${scale.toFixed(2)}\n`);
for (const [name, run] of Object.entries(parts)) if (chosen.size === 0 || chosen.has(name)) await run();
