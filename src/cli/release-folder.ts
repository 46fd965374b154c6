import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { note } from './command.ts';
import { type OutputFile, writeFiles } from './files.ts';
import { MANIFEST_SUFFIX, type ReleaseDocument } from './release-documents.ts';

/**
 * Writes the documents and their signatures into the folder, which is made if need be, and takes away manifests that an
 * earlier release left there: with them the folder would be refused.
 */
export async function writeReleaseFolder(
  io: CliIo,
  folder: string,
  documents: readonly ReleaseDocument[],
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw badInput(`--out ${folder} cannot be made a folder: ${messageOf(error)}`, error);
  }
  const files = documents.flatMap(({ key, text, signature }): OutputFile[] => {
    const path = join(folder, key);
    return signature === undefined
      ? [{ path, content: text }]
      : [
          { path, content: text },
          { path: `${path}.sig`, content: signature },
        ];
  });
  await writeFiles(io, files);
  await removeOthers(io, folder, new Set(files.map(({ path }) => path)));
  for (const { path } of files) io.writeOut(`${path}\n`);
}

async function removeOthers(io: CliIo, folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const isManifest = name.endsWith(MANIFEST_SUFFIX) || name.endsWith(`${MANIFEST_SUFFIX}.sig`);
    if (!isManifest || name.startsWith('.') || kept.has(path)) continue;
    await rm(path);
    note(io, `${path}: removed, it is of an earlier release`);
  }
}
