import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSurvivors, mutationReportSchema } from './mutation-survivors.ts';

const REPORT = 'reports/mutation.json';
const EXPLANATIONS = 'test/mutation/survivors';

/** Fails where a mutant of the last report survives and no line of `test/mutation/survivors` says why. */
function main(): void {
  const report = mutationReportSchema.parse(JSON.parse(readFileSync(REPORT, 'utf8')));
  const explanations = readdirSync(EXPLANATIONS)
    .filter((name) => name.endsWith('.tsv'))
    .flatMap((name) => readFileSync(join(EXPLANATIONS, name), 'utf8').split('\n'))
    .filter((line) => line !== '');
  const { unexplained, outdated } = checkSurvivors(report, explanations);
  for (const { file, line, key } of unexplained)
    console.log(`survives, and nobody says why: ${file}:${line}\n  ${key}`);
  for (const key of outdated) console.log(`explained, and does not survive any more:\n  ${key}`);
  console.log(`${explanations.length} explained, ${unexplained.length} not, ${outdated.length} outdated`);
  if (unexplained.length > 0) {
    console.log(`write a test that notices, or add the line with a reason to ${EXPLANATIONS}`);
    process.exitCode = 1;
  }
}

main();
