/** Runs test/image: builds the image, starts a Docker Engine, and runs vitest beside it. Arguments go to vitest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withMachineLock } from '../go-tools.ts';
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { progressToStderr } from '../progress.ts';
import { skipLevel } from '../skipped.ts';
import { buildImage } from './build-image.ts';
import { DockerEngine } from './engine.ts';

async function main(): Promise<void> {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) {
    skipLevel('image', reason);
    return;
  }
  const { onProgress, finish } = progressToStderr();
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-image-level-'));
  try {
    await withMachineLock('engine', 'runs a Docker Engine', onProgress, async () => {
      const image = join(folder, 'image.tar');
      await buildImage(image, onProgress);
      const engine = await DockerEngine.start(onProgress);
      finish();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void engine.stop());
      try {
        const vitest = ['vitest', 'run', '--project', 'image', ...process.argv.slice(2)];
        process.exitCode = await engine.run(vitest, { NIXFLEET_IMAGE: image });
      } finally {
        await engine.stop();
      }
    });
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
