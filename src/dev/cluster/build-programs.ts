/** Finds or builds what test-cluster and test-image run, and says where it is; nothing where they would be skipped. */
import { findEngine } from '../image/engine.ts';
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { progressToStderr } from '../progress.ts';
import { findBuildKit, findNodePrograms } from './programs.ts';

const { onProgress, finish } = progressToStderr();
const started = Date.now();

async function main(): Promise<void> {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) {
    console.log(`the levels "cluster" and "image" will be skipped: each ${reason}`);
    return;
  }
  const { kubeFolder, runtimeFolder, debian } = await findNodePrograms(onProgress);
  const buildKit = await findBuildKit(onProgress);
  const engine = await findEngine(onProgress);
  finish();
  const folders = [kubeFolder, runtimeFolder, debian.root, buildKit, engine.root];
  console.log(`programs of a node (${Math.round((Date.now() - started) / 1000)} s): ${folders.join(', ')}`);
}

try {
  await main();
} catch (error) {
  finish();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
