import { withMachineLock } from '../go-tools.ts';
import { progressToStderr } from '../progress.ts';
import { ClusterNode } from './node.ts';

/**
 * Starts a Kubernetes of one node with these image archives, runs a command in it, and ends it again, also on a signal.
 * Resolves to the command's exit code. One at a time per machine; rejects where the node does not start.
 */
export async function runInCluster(images: readonly string[], command: readonly string[]): Promise<number> {
  const { onProgress, finish } = progressToStderr();
  return withMachineLock('cluster', 'runs a cluster', onProgress, async () => {
    const node = await ClusterNode.start(images, onProgress);
    finish();
    const stop = async (): Promise<void> => node.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
    try {
      return await node.run(command);
    } finally {
      await stop();
    }
  });
}
