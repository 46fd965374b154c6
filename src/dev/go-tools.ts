import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache-folder.ts';
import { buildGoTool, type GoTool, hasGo } from './go-build.ts';
import { type NamedLock, tryLock } from './named-lock.ts';
import { type ProgressListener, withProgress } from './progress.ts';

/** Programs that belong together: one folder of the cache, built under one lock. */
export interface GoToolSet {
  /** For people, for instance `the control plane`. */
  readonly what: string;
  readonly tools: readonly GoTool[];
  /** What to do where there is no Go; several lines. */
  readonly withoutGo: string;
}

const LOCK_PAUSE_MS = 500;

/**
 * The folder with all programs of the set, which are built where it lacks them.
 *
 * Rejects where there is no Go to build with, or a build fails.
 */
export async function ensureGoTools(
  set: GoToolSet,
  onProgress: ProgressListener,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const folder = join(cacheFolder(env), await pinHash(set.tools));
  if (await hasAll(folder, set.tools)) return folder;
  if (!(await hasGo(env))) throw new Error(set.withoutGo);
  await buildLocked(set, folder, onProgress, env);
  return folder;
}

/** Runs `work` while no other process on this machine does so under the same name; waits for its turn. */
export async function withMachineLock<T>(
  name: string,
  what: string,
  onProgress: ProgressListener,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await waitForLock(name, what, onProgress);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Whether this is a file that can be executed. */
export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Folder of a module under tools/. */
export function toolFolder(name: string): string {
  return fileURLToPath(new URL(`../../tools/${name}`, import.meta.url));
}

/** Linker flags by which the Kubernetes programs know their version. */
export function kubernetesVersionFlags(version: string): string[] {
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(values).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
}

async function buildLocked(
  { what, tools }: GoToolSet,
  folder: string,
  onProgress: ProgressListener,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  // The lock keeps two processes from building the same thing at once; the second then finds it done.
  await withMachineLock(`build:${folder}`, `builds ${what}`, onProgress, async () => {
    await mkdir(folder, { recursive: true });
    await removeAbandoned(folder);
    for (const tool of tools) {
      if (await isExecutable(join(folder, tool.name))) continue;
      const scratch = await mkdtemp(join(folder, 'building-'));
      const built = join(scratch, tool.name);
      await buildGoTool(tool, built, onProgress, env);
      await rename(built, join(folder, tool.name));
      await rm(scratch, { recursive: true });
    }
  });
}

async function waitForLock(name: string, what: string, onProgress: ProgressListener): Promise<NamedLock> {
  const free = await tryLock(name);
  if (free !== undefined) return free;
  return withProgress(
    onProgress,
    () => `waiting for another process that ${what}`,
    async () => {
      for (;;) {
        const lock = await tryLock(name);
        if (lock !== undefined) return lock;
        await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
      }
    },
  );
}

/** What a killed build left behind; nobody else can be at it while we hold the lock. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (entry.startsWith('building-')) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

/** Names the cache by everything that decides what is built, so that a new pin is a new folder. */
async function pinHash(tools: readonly GoTool[]): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform}/${process.arch}`);
  for (const folder of new Set(tools.map(({ moduleFolder }) => moduleFolder))) {
    for (const file of (await readdir(folder)).toSorted()) hash.update(await readFile(join(folder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function hasAll(folder: string, tools: readonly GoTool[]): Promise<boolean> {
  const found = await Promise.all(tools.map(async ({ name }) => isExecutable(join(folder, name))));
  return found.every(Boolean);
}
