import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART } from './cluster.ts';

/** Writes the chart as its next version into a folder: one printer column more, so that there is something to upgrade. */
export async function nextChart(folder: string): Promise<string> {
  const chart = join(folder, 'chart');
  await cp(CHART, chart, { recursive: true });
  await replaceIn(join(chart, 'Chart.yaml'), '\nversion: 0.1.0', '\nversion: 0.2.0');
  const column =
    '- name: Upgraded\n          type: string\n          jsonPath: .status.summary.commit\n        - name: Commit';
  await replaceIn(join(chart, 'files/crds/nixfleet.dev_fleets.yaml'), '- name: Commit', column);
  return chart;
}

async function replaceIn(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
  await writeFile(file, text.replace(from, to));
}
