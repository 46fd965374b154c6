/** Runs test/cluster: builds the image, starts a Kubernetes of one node, and runs vitest inside. Arguments go to vitest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../image/build-image.ts';
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { progressToStderr } from '../progress.ts';
import { skipLevel } from '../skipped.ts';
import { runInCluster } from './run-in-cluster.ts';

async function main(): Promise<void> {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) {
    skipLevel('cluster', reason);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-cluster-level-'));
  try {
    const image = join(folder, 'image.tar');
    const { onProgress, finish } = progressToStderr();
    await buildImage(image, onProgress);
    finish();
    const vitest = ['vitest', 'run', '--project', 'cluster', ...process.argv.slice(2)];
    process.exitCode = await runInCluster([image], vitest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
