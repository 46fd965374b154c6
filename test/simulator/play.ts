import { invariants } from './invariants/all.ts';
import { Narrator } from './narrator.ts';
import type { Scenario } from './scenario.ts';
import { World, type RunResult } from './world.ts';

/** A run with its story. */
export interface Play extends RunResult {
  readonly story: readonly string[];
}

/** Plays a scenario under the eyes of every invariant, and tells it. */
export async function play(scenario: Scenario): Promise<Play> {
  const narrator = new Narrator();
  const world = new World(scenario, [narrator, ...invariants()]);
  return { ...(await world.run()), story: narrator.lines };
}

/** Plays a scenario under the eyes of every invariant. Nobody listens: whoever wants the story plays it again. */
export async function check(scenario: Scenario): Promise<RunResult> {
  return new World(scenario, invariants()).run();
}
