/** `main.ts [--image=FILE]… CMD…`: runs a command inside a Kubernetes of one node, which is started for it. */
import { withMachineLock } from '../go-tools.ts';
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { progressToStderr } from '../progress.ts';
import { ClusterNode } from './node.ts';

/** As automake has it: the tests were not run. */
const EXIT_SKIPPED = 77;

const args = process.argv.slice(2);
const images = args.filter((arg) => arg.startsWith('--image=')).map((arg) => arg.slice('--image='.length));
const command = args.slice(images.length);

async function main(): Promise<number> {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) {
    console.error(`\n*** SKIPPED: the cluster level does not run here. It ${reason}.\n`);
    return EXIT_SKIPPED;
  }
  const { onProgress, finish } = progressToStderr();
  return withMachineLock('cluster', 'runs a cluster', onProgress, async () => {
    const node = await ClusterNode.start(images, onProgress);
    finish();
    const stop = async (): Promise<void> => node.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop());
    try {
      return await node.run(command);
    } finally {
      await stop();
    }
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
