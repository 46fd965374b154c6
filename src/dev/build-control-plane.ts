/** Finds or builds the programs of the local control plane and says where they are. */
import { dirname } from 'node:path';
import { findControlPlaneBinaries } from './binaries.ts';
import { progressToStderr } from './progress.ts';

const { onProgress, finish } = progressToStderr();
try {
  const { etcd } = await findControlPlaneBinaries(onProgress);
  finish();
  console.log(`etcd and kube-apiserver: ${dirname(etcd)}`);
} catch (error) {
  finish();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
