/** What a machine keeps when its agent dies: files of a state folder (agent-protocol.md §3.4). */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Small named texts or bytes that survive a restart of the agent. Names hold no folder. */
export interface DurableStore {
  /** Resolves once the content cannot get lost any more. */
  put(name: string, content: Uint8Array): Promise<void>;
  get(name: string): Promise<Uint8Array | undefined>;
  /** The names, ascending. */
  list(): Promise<string[]>;
  remove(name: string): Promise<void>;
}

/** A disk in memory: outlives the agent, not this process. */
export function memoryStore(): DurableStore {
  const files = new Map<string, Uint8Array>();
  return {
    put: async (name, content) => void files.set(name, content),
    get: async (name) => files.get(name),
    list: async () => [...files.keys()].toSorted(),
    remove: async (name) => void files.delete(name),
  };
}

/** A folder on disk, which is made if need be. A file is there whole or not at all. */
export function folderStore(folder: string): DurableStore {
  const path = (name: string): string => join(folder, name);
  return {
    put: async (name, content) => {
      await mkdir(folder, { recursive: true });
      const temporary = path(`.${name}.tmp`);
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path(name));
    },
    get: async (name) => readFile(path(name)).catch(undefinedIfMissing),
    list: async () => {
      const names = (await readdir(folder).catch(undefinedIfMissing)) ?? [];
      return names.filter((name) => !name.startsWith('.')).toSorted();
    },
    remove: async (name) => rm(path(name), { force: true }),
  };
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
