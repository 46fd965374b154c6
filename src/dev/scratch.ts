import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What `mkdtemp` appends. */
const RANDOM = /^[A-Za-z0-9]{6}$/;

/**
 * Makes a folder for temporary files, after removing those that runs which were killed have left. Call it under a
 * machine-wide lock: one of another process that still runs would be removed, too.
 */
export async function onlyScratch(prefix: string, parent: string = tmpdir()): Promise<string> {
  for (const name of await readdir(parent)) {
    const stale = name.startsWith(prefix) && RANDOM.test(name.slice(prefix.length));
    if (stale) await rm(join(parent, name), { recursive: true, force: true, maxRetries: 5 });
  }
  return mkdtemp(join(parent, prefix));
}
