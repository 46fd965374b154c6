/**
 * Brings the generated parts of the chart up to date: its copy of crds/, and the table of values in its README.
 * `--check` writes nothing and fails on drift.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartValues, valuesTable } from './chart-values.ts';

const ROOT = join(import.meta.dirname, '..');
const CHART = join(ROOT, 'charts', 'nixfleet-operator');
const COPIES = join(CHART, 'files', 'crds');
const README = join(CHART, 'README.md');
const BETWEEN = /(<!-- generated from values\.yaml[^>]*-->\n)[\s\S]*?(<!-- generated: end -->)/;

const wanted = new Map<string, string>();
for (const name of readdirSync(join(ROOT, 'crds'))) {
  wanted.set(join(COPIES, name), readFileSync(join(ROOT, 'crds', name), 'utf8'));
}
wanted.set(README, await readme());

mkdirSync(COPIES, { recursive: true });
const copies = readdirSync(COPIES).map((name) => join(COPIES, name));
const stray = copies.filter((path) => !wanted.has(path));
const drifted = [...wanted].filter(([path, text]) => readOrUndefined(path) !== text);
if (process.argv.includes('--check')) {
  const names = [...drifted.map(([path]) => path), ...stray].map((path) => path.slice(ROOT.length + 1));
  if (names.length > 0) {
    console.error(`${names.join(', ')}: not what is generated; run \`make chart\` and commit the result`);
    process.exitCode = 1;
  }
} else {
  for (const path of stray) rmSync(path);
  for (const [path, text] of drifted) writeFileSync(path, text);
  console.log(`wrote ${drifted.length} files of the chart`);
}

async function readme(): Promise<string> {
  const table = valuesTable(chartValues(readFileSync(join(CHART, 'values.yaml'), 'utf8')));
  const text = readFileSync(README, 'utf8').replace(
    BETWEEN,
    (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
  );
  return format(text, { ...(await resolveConfig(README)), filepath: README });
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
