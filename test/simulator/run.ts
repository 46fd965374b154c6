import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachParallel } from '../../src/kube/parallel.ts';
import { tellStories } from '../stories/tell.ts';
import { scenarioOf } from './generate.ts';
import { hunt, huntIn, isNoticed } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { runOptions, type RunOptions } from './options.ts';
import { play, type Play } from './play.ts';
import type { Scenario } from './scenario.ts';
import { FIRST_SEEDS, foundScenarios } from './seeds.ts';
import { shrink } from './shrink.ts';

const COMMAND = 'npm run simulate --';
const REPORTS = 'reports/simulator';
const SHRINK_RUNS = 400;
const SHRINK_AT_MOST = 3;
const TAIL = 60;
const MUTANTS_AT_ONCE = 2;

/** Plays seeds and reports: one line per seed that breaks a rule, its story, and how to play it again. */
class Session {
  passed = 0;
  failed = 0;
  #simulatedMs = 0;
  readonly #options: RunOptions;
  readonly #started = performance.now();

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async seed(seed: number): Promise<void> {
    const scenario = scenarioOf(seed);
    const result = await this.#play(scenario);
    if (result.violation === undefined) return;
    console.log(`seed ${seed} breaks "${result.violation.rule}": ${result.violation.what}`);
    console.log(`  play it again: ${COMMAND} --seed ${seed} --story`);
    if (this.#options.shrink && this.failed <= SHRINK_AT_MOST)
      await this.#shrink(scenario, result.violation.rule);
  }

  /** A scenario that has found something once. */
  async found(name: string, scenario: Scenario): Promise<void> {
    const { violation } = await this.#play(scenario);
    if (violation !== undefined) console.log(`found again, ${name}: "${violation.rule}": ${violation.what}`);
  }

  async scenario(file: string): Promise<void> {
    const result = await this.#play(JSON.parse(readFileSync(file, 'utf8')) as Scenario);
    console.log(result.violation ?? 'no rule breaks');
  }

  /** Every story has to be told as it is checked in. */
  async stories(): Promise<void> {
    const tellings = await tellStories(process.env['UPDATE_STORIES'] === '1');
    for (const { name, problem } of tellings) {
      if (problem === undefined) this.passed += 1;
      else this.failed += 1;
      if (problem !== undefined) console.log(`story ${name}: ${problem}`);
    }
  }

  /** Every broken build has to be noticed. They run in processes of their own, two at a time. */
  async mutants(): Promise<void> {
    await forEachParallel(MUTANTS, MUTANTS_AT_ONCE, async (mutant) => {
      const { ok, said } = await isNoticed(mutant);
      if (ok) this.passed += 1;
      else this.failed += 1;
      if (!ok) console.log(`NOT NOTICED by "${mutant.rule}": ${mutant.name}\n${said}`);
      else if (this.#options.story) console.log(`noticed by "${mutant.rule}": ${mutant.name}; ${said}`);
    });
  }

  report(): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const cpuMinutes = process.cpuUsage().user / 60_000_000;
    const perMinute = Math.round((this.passed + this.failed) / cpuMinutes);
    const days = (this.#simulatedMs / 86_400_000).toFixed(1);
    console.log(
      `${this.passed + this.failed} runs in ${seconds.toFixed(1)} s (${perMinute} a minute of one core), ${days} simulated days`,
    );
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }

  async #play(scenario: Scenario): Promise<Play> {
    const result = await play(scenario);
    this.#simulatedMs += result.simulatedMs;
    if (result.violation === undefined) this.passed += 1;
    else this.failed += 1;
    if (this.#options.story) console.log(result.story.join('\n'));
    return result;
  }

  async #shrink(scenario: Scenario, rule: string): Promise<void> {
    const fails = async (tried: Scenario): Promise<boolean> => (await play(tried)).violation?.rule === rule;
    const small = await shrink(scenario, fails, SHRINK_RUNS);
    const result = await play(small);
    mkdirSync(REPORTS, { recursive: true });
    const file = join(REPORTS, `seed-${scenario.seed}.json`);
    writeFileSync(file, `${JSON.stringify(small, null, 2)}\n`);
    const { length: hosts } = small.design.hosts;
    console.log(
      `  shrunk to ${hosts} hosts, ${small.faults.length} faults, ${small.releases.length} releases: ${COMMAND} --scenario ${file}`,
    );
    console.log(
      result.story
        .slice(-TAIL)
        .map((line) => `    ${line}`)
        .join('\n'),
    );
    console.log(`    ${result.violation?.rule ?? ''}: ${result.violation?.what ?? ''}`);
  }
}

async function playSeeds(session: Session, { seeds, minutes }: RunOptions): Promise<void> {
  if (minutes !== undefined) {
    const end = performance.now() + minutes * 60_000;
    for (let seed = seeds?.[0] ?? Date.now() % 1_000_000_000; performance.now() < end; seed += 1) {
      await session.seed(seed);
    }
    return;
  }
  const [first, last] = seeds ?? [1, FIRST_SEEDS];
  for (let seed = first; seed <= last; seed += 1) await session.seed(seed);
  if (seeds === undefined)
    for (const [name, scenario] of foundScenarios()) await session.found(name, scenario);
}

async function main(): Promise<void> {
  const options = runOptions(process.argv.slice(2), process.env);
  if (options.expect !== undefined) {
    const { expect, told, seeds } = options;
    const found = told === undefined ? await hunt(expect, seeds?.[0] ?? 1) : await huntIn(told, expect);
    console.log(found === undefined ? 'nothing breaks the rule' : `found by ${found}`);
    process.exitCode = found === undefined ? 1 : 0;
    return;
  }
  const session = new Session(options);
  const mutants = options.parts.has('mutants') ? session.mutants() : undefined;
  if (options.parts.has('stories')) await session.stories();
  if (options.parts.has('seeds')) await playSeeds(session, options);
  if (options.scenario !== undefined) await session.scenario(options.scenario);
  await mutants;
  session.report();
}

await main();
