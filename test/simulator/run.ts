import { hunt, huntIn } from './hunt.ts';
import { runOptions, type RunOptions } from './options.ts';
import { FIRST_SEEDS, foundScenarios } from './seeds.ts';
import { Session } from './session.ts';

/** The seeds that are asked for: a range, or one after the other from a random one on for as long as it may take. */
function* seedsOf({ seeds, minutes }: RunOptions): Iterator<number> {
  if (minutes !== undefined) {
    const end = performance.now() + minutes * 60_000;
    for (let seed = seeds?.[0] ?? Date.now() % 1_000_000_000; performance.now() < end; seed += 1) yield seed;
    return;
  }
  const [first, last] = seeds ?? [1, FIRST_SEEDS];
  for (let seed = first; seed <= last; seed += 1) yield seed;
}

async function main(): Promise<void> {
  const options = runOptions(process.argv.slice(2), process.env);
  const { expect, told, seeds, minutes, parts, scenario } = options;
  if (expect !== undefined) {
    const found = told === undefined ? await hunt(expect, seeds?.[0] ?? 1) : await huntIn(told, expect);
    console.log(found === undefined ? 'nothing breaks the rule' : `found by ${found}`);
    process.exitCode = found === undefined ? 1 : 0;
    return;
  }
  const session = new Session(options);
  if (parts.has('stories')) await session.stories();
  if (parts.has('seeds')) {
    await session.seeds(seedsOf(options));
    const fixedSet = seeds === undefined && minutes === undefined;
    if (fixedSet) for (const [name, kept] of foundScenarios()) await session.found(name, kept);
  }
  if (scenario !== undefined) await session.scenario(scenario);
  if (parts.has('mutants')) await session.mutants();
  session.report();
}

await main();
