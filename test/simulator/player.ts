import { scenarioOf } from './generate.ts';
import { check } from './play.ts';
import type { RunResult } from './world.ts';

/** What a player answers. */
export interface PlayerAnswer {
  readonly seed: number;
  readonly result: RunResult;
  /** What its process has computed so far, in milliseconds. */
  readonly cpuMs: number;
}

// Thousands of lost races are thrown and caught, and nobody reads where: whoever wants to know plays the seed again.
Error.stackTraceLimit = 0;

let last = Promise.resolve();

/** The process that `Players` starts: a seed comes in, what became of it goes out. */
process.on('message', (seed: number) => {
  last = last.then(async () => {
    const result = await check(scenarioOf(seed));
    const answer: PlayerAnswer = { seed, result, cpuMs: cpuMs() };
    // Nobody is left to play for where the other process has ended.
    process.send?.(answer, undefined, undefined, (error) => {
      if (error !== null) process.exit(1);
    });
  });
});

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
