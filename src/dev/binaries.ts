import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache-folder.ts';
import { buildGoTool, type GoTool, hasGo } from './go-build.ts';
import { type NamedLock, tryLock } from './named-lock.ts';
import { type ProgressListener, withProgress } from './progress.ts';

/** Where the programs of the local control plane are. */
export interface ControlPlaneBinaries {
  etcd: string;
  kubeApiServer: string;
}

const LOCK_PAUSE_MS = 500;

const TOOLS: readonly GoTool[] = [
  {
    name: 'etcd',
    moduleFolder: toolFolder('etcd'),
    importPath: 'go.etcd.io/etcd/server/v3',
    versionedModule: 'go.etcd.io/etcd/server/v3',
    versionFlags: () => [],
  },
  {
    name: 'kube-apiserver',
    moduleFolder: toolFolder('kube-apiserver'),
    importPath: 'k8s.io/kubernetes/cmd/kube-apiserver',
    versionedModule: 'k8s.io/kubernetes',
    versionFlags: kubernetesVersionFlags,
  },
];

/**
 * Finds etcd and kube-apiserver: in the folder that KUBEBUILDER_ASSETS names, else in the cache, else builds them there.
 *
 * Rejects, naming the remedies, where KUBEBUILDER_ASSETS lacks one of them or there is no Go to build with.
 */
export async function findControlPlaneBinaries(
  onProgress: ProgressListener,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ControlPlaneBinaries> {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return fromAssets(assets);
  const folder = join(cacheFolder(env), await pinHash());
  if (await hasAll(folder)) return inFolder(folder);
  if (!(await hasGo(env))) throw new Error(noGoMessage());
  await buildLocked(folder, onProgress, env);
  return inFolder(folder);
}

async function fromAssets(assets: string): Promise<ControlPlaneBinaries> {
  for (const { name } of TOOLS) {
    if (await isExecutable(join(assets, name))) continue;
    throw new Error(
      `KUBEBUILDER_ASSETS=${assets} has no executable ${name}: name a folder with etcd and kube-apiserver, ` +
        'or unset it to have both built with Go',
    );
  }
  return inFolder(assets);
}

/** The lock keeps two processes from building the same thing at once; the second then finds it done. */
async function buildLocked(
  folder: string,
  onProgress: ProgressListener,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const lock = await waitForLock(`build:${folder}`, onProgress);
  try {
    await mkdir(folder, { recursive: true });
    await removeAbandoned(folder);
    for (const tool of TOOLS) {
      if (await isExecutable(join(folder, tool.name))) continue;
      const scratch = await mkdtemp(join(folder, 'building-'));
      const built = join(scratch, tool.name);
      await buildGoTool(tool, built, onProgress, env);
      await rename(built, join(folder, tool.name));
      await rm(scratch, { recursive: true });
    }
  } finally {
    await lock.release();
  }
}

async function waitForLock(name: string, onProgress: ProgressListener): Promise<NamedLock> {
  const free = await tryLock(name);
  if (free !== undefined) return free;
  return withProgress(
    onProgress,
    () => 'waiting for another process that builds the control plane',
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
async function pinHash(): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform}/${process.arch}`);
  for (const tool of TOOLS) {
    for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(tool.moduleFolder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

function noGoMessage(): string {
  return [
    'The local control plane needs the programs etcd and kube-apiserver, and neither way to get them is open:',
    '  * KUBEBUILDER_ASSETS is not set. Set it to a folder that holds both, for instance the one setup-envtest prints.',
    '  * There is no Go on PATH. Install Go 1.26 or newer (https://go.dev/dl) and both are built once, in about 5 minutes.',
  ].join('\n');
}

function kubernetesVersionFlags(version: string): string[] {
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(values).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
}

function toolFolder(name: string): string {
  return fileURLToPath(new URL(`../../tools/${name}`, import.meta.url));
}

function inFolder(folder: string): ControlPlaneBinaries {
  return { etcd: join(folder, 'etcd'), kubeApiServer: join(folder, 'kube-apiserver') };
}

async function hasAll(folder: string): Promise<boolean> {
  const found = await Promise.all(TOOLS.map(async ({ name }) => isExecutable(join(folder, name))));
  return found.every(Boolean);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
