import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachParallel } from '../../src/kube/parallel.ts';
import { tellStories } from '../stories/tell.ts';
import { scenarioOf } from './generate.ts';
import { isNoticed } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import type { RunOptions } from './options.ts';
import { check, play } from './play.ts';
import { Players } from './players.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import type { RunResult } from './world.ts';

const COMMAND = 'npm run simulate --';
const REPORTS = 'reports/simulator';
const SHRINK_RUNS = 400;
const SHRINK_AT_MOST = 3;
/** A fleet of two hundred takes a while to play. */
const SHRINK_MS = 120_000;
const TAIL = 60;

/** Plays what it is asked to and reports: a line for each seed that breaks a rule, its story, how to play it again. */
export class Session {
  passed = 0;
  failed = 0;
  #played = 0;
  #playedMs = 0;
  #cpuMs = 0;
  #simulatedMs = 0;
  readonly #options: RunOptions;
  readonly #shrinking: Promise<void>[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** Plays seeds: in processes of their own, or one after the other in this one, where their stories are told. */
  async seeds(seeds: Iterator<number>): Promise<void> {
    const { workers, story } = this.#options;
    const started = performance.now();
    if (workers > 1 && !story) {
      const players = new Players(workers);
      await players.play(seeds, (seed, result) => this.#note(seed, result));
      this.#cpuMs += players.cpuMs;
    } else {
      const before = process.cpuUsage();
      for (let next = seeds.next(); next.done !== true; next = seeds.next()) {
        this.#note(next.value, await this.#play(scenarioOf(next.value)));
      }
      const { user, system } = process.cpuUsage(before);
      this.#cpuMs += (user + system) / 1000;
    }
    this.#playedMs += performance.now() - started;
    await Promise.all(this.#shrinking);
  }

  /** A scenario that has found something once. */
  async found(name: string, scenario: Scenario): Promise<void> {
    const { violation } = await this.#play(scenario);
    this.#count(violation === undefined);
    if (violation !== undefined) console.log(`found again, ${name}: "${violation.rule}": ${violation.what}`);
  }

  async scenario(file: string): Promise<void> {
    const { violation } = await this.#play(JSON.parse(readFileSync(file, 'utf8')) as Scenario);
    this.#count(violation === undefined);
    console.log(violation ?? 'no rule breaks');
  }

  /** Every story has to be told as it is checked in. */
  async stories(): Promise<void> {
    for (const { name, problem } of await tellStories(process.env['UPDATE_STORIES'] === '1')) {
      this.#count(problem === undefined);
      if (problem !== undefined) console.log(`story ${name}: ${problem}`);
    }
  }

  /** Every broken build has to be noticed. They run in processes of their own. */
  async mutants(): Promise<void> {
    await forEachParallel(MUTANTS, this.#options.workers, async (mutant) => {
      const { ok, said } = await isNoticed(mutant);
      this.#count(ok);
      if (!ok) console.log(`NOT NOTICED by "${mutant.rule}": ${mutant.name}\n${said}`);
      else if (this.#options.story) console.log(`noticed by "${mutant.rule}": ${mutant.name}; ${said}`);
    });
  }

  report(): void {
    if (this.#played > 0) {
      const perMinute = Math.round((this.#played * 60_000) / this.#playedMs);
      const perCore = Math.round((this.#played * 60_000) / this.#cpuMs);
      console.log(
        `${this.#played} seeds in ${(this.#playedMs / 1000).toFixed(1)} s: ${perMinute} runs a minute, ` +
          `${perCore} a minute of one core; ${(this.#simulatedMs / 86_400_000).toFixed(1)} simulated days`,
      );
    }
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }

  #note(seed: number, { violation, simulatedMs }: RunResult): void {
    this.#played += 1;
    this.#simulatedMs += simulatedMs;
    this.#count(violation === undefined);
    if (violation === undefined) return;
    console.log(`seed ${seed} breaks "${violation.rule}": ${violation.what}`);
    console.log(`  play it again: ${COMMAND} --seed ${seed} --story`);
    if (this.#options.shrink && this.#shrinking.length < SHRINK_AT_MOST) {
      this.#shrinking.push(this.#shrink(scenarioOf(seed), violation.rule));
    }
  }

  #count(passed: boolean): void {
    if (passed) this.passed += 1;
    else this.failed += 1;
  }

  async #play(scenario: Scenario): Promise<RunResult> {
    if (!this.#options.story) return check(scenario);
    const result = await play(scenario);
    console.log(result.story.join('\n'));
    return result;
  }

  async #shrink(scenario: Scenario, rule: string): Promise<void> {
    const end = performance.now() + SHRINK_MS;
    const fails = async (tried: Scenario): Promise<boolean> =>
      performance.now() < end && (await check(tried)).violation?.rule === rule;
    const small = await shrink(scenario, fails, SHRINK_RUNS);
    const { story, violation } = await play(small);
    mkdirSync(REPORTS, { recursive: true });
    const file = join(REPORTS, `seed-${scenario.seed}.json`);
    writeFileSync(file, `${JSON.stringify(small, null, 2)}\n`);
    const { design, faults, releases } = small;
    const left = `${design.hosts.length} hosts, ${faults.length} faults, ${releases.length} releases`;
    const told = story.slice(-TAIL).map((line) => `    ${line}`);
    console.log(
      [
        `seed ${scenario.seed} shrunk to ${left}: ${COMMAND} --scenario ${file}`,
        ...told,
        `    ${violation?.rule ?? ''}: ${violation?.what ?? ''}`,
      ].join('\n'),
    );
  }
}
