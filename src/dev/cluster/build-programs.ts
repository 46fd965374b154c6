/** Finds or builds what test-cluster and test-image run, and says where it is. */
import { progressToStderr } from '../progress.ts';
import { findBuildKit, findNodePrograms } from './programs.ts';

const { onProgress, finish } = progressToStderr();
try {
  const { kubeFolder, runtimeFolder, debian } = await findNodePrograms(onProgress);
  const buildKit = await findBuildKit(onProgress);
  finish();
  console.log(`programs of a node: ${[kubeFolder, runtimeFolder, debian.root, buildKit].join(', ')}`);
} catch (error) {
  finish();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
