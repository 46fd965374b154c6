/** Builds the operator's image into dist/image.tar (or the file given), with no registry. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { progressToStderr } from '../progress.ts';
import { buildImage, OPERATOR_IMAGE } from './build-image.ts';

const outFile = resolve(process.argv[2] ?? 'dist/image.tar');
const { onProgress, finish } = progressToStderr();
try {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) {
    throw new Error(
      `no image without a registry here: ${reason}. With Docker: docker build -t ${OPERATOR_IMAGE} .`,
    );
  }
  await buildImage(outFile, onProgress);
  finish();
  const mebibytes = (statSync(outFile).size / 1024 / 1024).toFixed(0);
  console.log(`${outFile}: ${OPERATOR_IMAGE}, ${mebibytes} MiB`);
} catch (error) {
  finish();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
