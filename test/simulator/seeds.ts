import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from './scenario.ts';

/** Every run of the tests plays these. */
export const FIRST_SEEDS = 600;

/** Scenarios that have broken a rule once, by what they found; they are kept whole, because seeds change their meaning. */
export function foundScenarios(): ReadonlyMap<string, Scenario> {
  const folder = join(import.meta.dirname, 'found');
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    files
      .toSorted()
      .map((file) => [
        file.replace('.json', ''),
        JSON.parse(readFileSync(join(folder, file), 'utf8')) as Scenario,
      ]),
  );
}
