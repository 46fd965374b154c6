import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { scenarioOf } from './generate.ts';
import type { Mutant } from './mutants.ts';
import { play } from './play.ts';

/** Seeds that a mutant may survive. */
const SEEDS = 600;
/** Larger fleets take long and show nothing more. */
const LARGEST = 14;
const LIMIT_MS = 120_000;

/** Plays seeds until one breaks `rule`; resolves to the seed, or undefined where none did. */
export async function hunt(rule: string, first: number): Promise<number | undefined> {
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    const { violation } = await play(scenarioOf(seed, LARGEST));
    if (violation?.rule === rule) return seed;
  }
  return undefined;
}

/** Whether a broken build is noticed by its rule. The build runs in a process of its own. */
export async function isNoticed({ rule, changes, seed = 1 }: Mutant): Promise<{ ok: boolean; said: string }> {
  const here = import.meta.dirname;
  const args = [
    '--import',
    join(here, 'hooks.ts'),
    join(here, 'run.ts'),
    '--expect',
    rule,
    '--seed',
    String(seed),
  ];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, MUTATE: JSON.stringify(changes) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ok: code === 0, said };
}
