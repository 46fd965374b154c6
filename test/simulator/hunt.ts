import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { STORIES } from '../stories/scenarios.ts';
import { scenarioOf } from './generate.ts';
import type { Mutant } from './mutants.ts';
import { check } from './play.ts';
import { foundScenarios } from './seeds.ts';

/** Seeds that a mutant may survive. */
const SEEDS = 600;
/** Larger fleets take long and show nothing more. */
const LARGEST = 14;
const LIMIT_MS = 120_000;

/** Plays seeds until one breaks `rule`; resolves to what did, or undefined where none did. */
export async function hunt(rule: string, first: number): Promise<string | undefined> {
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    const { violation } = await check(scenarioOf(seed, LARGEST));
    if (violation?.rule === rule) return `seed ${seed}`;
  }
  return undefined;
}

/** Whether a story, or a scenario that has found something once, breaks `rule`. */
export async function huntIn(name: string, rule: string): Promise<string | undefined> {
  const scenario = STORIES[name]?.scenario ?? foundScenarios().get(name);
  if (scenario === undefined) throw new Error(`there is no story ${name}`);
  const { violation } = await check(scenario);
  return violation?.rule === rule ? `story ${name}` : undefined;
}

/** Whether a broken build is noticed by its rule. The build runs in a process of its own. */
export async function isNoticed({
  rule,
  changes,
  seed = 1,
  story,
}: Mutant): Promise<{ ok: boolean; said: string }> {
  const here = import.meta.dirname;
  const where = story === undefined ? ['--seed', String(seed)] : ['--told', story];
  const args = [...process.execArgv, join(here, 'run.ts'), '--expect', rule, ...where];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, MUTATE: JSON.stringify(changes) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ok: code === 0, said: said.trim() };
}
