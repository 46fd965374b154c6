import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findControlPlaneBinaries } from '../binaries.ts';
import { cacheFolder } from '../cache-folder.ts';
import type { GoTool } from '../go-build.ts';
import { ensureGoTools, kubernetesVersionFlags, toolFolder, withMachineLock } from '../go-tools.ts';
import { type ProgressListener, withProgress } from '../progress.ts';

const run = promisify(execFile);

/** Folders whose programs make up a node; together they are a PATH. */
export interface NodePrograms {
  readonly etcdFolder: string;
  /** kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl. */
  readonly kubeFolder: string;
  /** containerd, its shim, ctr, the CNI plugins. */
  readonly runtimeFolder: string;
  /** The program of the image that holds a Pod's namespaces. */
  readonly pause: string;
  /** Debian packages, unpacked: runc and nft. */
  readonly debian: DebianFolder;
}

/** Unpacked Debian packages; nothing of them is installed. */
export interface DebianFolder {
  readonly root: string;
  /** Of their programs. */
  readonly path: readonly string[];
  /** For LD_LIBRARY_PATH. */
  readonly libraryPath: string;
}

const KUBE_NAMES = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const;

const KUBE_NODE: GoTool = {
  name: 'kube-node',
  moduleFolder: toolFolder('kube-node'),
  importPath: '.',
  versionedModule: 'k8s.io/kubernetes',
  versionFlags: kubernetesVersionFlags,
};

const RUNTIME: readonly GoTool[] = [
  ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => containerdTool(name)),
  ...['main/ptp', 'ipam/host-local'].map((path) => cniTool(path)),
];

const PAUSE: GoTool = {
  name: 'pause',
  moduleFolder: toolFolder('pause'),
  importPath: '.',
  versionFlags: () => [],
};

const BUILDKIT: readonly GoTool[] = ['buildkitd', 'buildctl'].map((name) => ({
  name,
  moduleFolder: toolFolder('buildkit'),
  importPath: `github.com/moby/buildkit/cmd/${name}`,
  versionedModule: 'github.com/moby/buildkit',
  versionFlags: () => [],
}));

const WITHOUT_GO =
  'A Kubernetes node is built from source: install Go 1.26 or newer (https://go.dev/dl), about 9 minutes once per machine.';

/** Finds or builds what a node runs. Rejects where there is no Go, or Debian's packages cannot be had. */
export async function findNodePrograms(onProgress: ProgressListener): Promise<NodePrograms> {
  const { etcd } = await findControlPlaneBinaries(onProgress);
  const kubeFolder = await ensureGoTools(
    { what: 'the programs of a node', tools: [KUBE_NODE], withoutGo: WITHOUT_GO },
    onProgress,
  );
  for (const name of KUBE_NAMES) await linkOnce(KUBE_NODE.name, join(kubeFolder, name));
  const runtimeFolder = await ensureGoTools(
    { what: 'the container runtime', tools: RUNTIME, withoutGo: WITHOUT_GO },
    onProgress,
  );
  const pauseFolder = await ensureGoTools(
    { what: 'the pause program', tools: [PAUSE], withoutGo: WITHOUT_GO },
    onProgress,
  );
  const debian = await unpackDebian(['runc', 'nftables', 'libnftables1', 'libnftnl11'], onProgress);
  return {
    etcdFolder: join(etcd, '..'),
    kubeFolder,
    runtimeFolder,
    pause: join(pauseFolder, PAUSE.name),
    debian,
  };
}

/** Finds or builds BuildKit; returns the folder of buildkitd and buildctl. It needs a runc on PATH. */
export async function findBuildKit(onProgress: ProgressListener): Promise<string> {
  return ensureGoTools({ what: 'BuildKit', tools: BUILDKIT, withoutGo: WITHOUT_GO }, onProgress);
}

/**
 * Downloads Debian packages with apt-get and unpacks them into a folder of the cache; installs nothing.
 *
 * Rejects, naming the packages, where apt-get or dpkg is missing or offers none of them.
 */
export async function unpackDebian(
  packages: readonly string[],
  onProgress: ProgressListener,
): Promise<DebianFolder> {
  const hash = createHash('sha256')
    .update(`${process.arch} ${packages.join(' ')}`)
    .digest('hex')
    .slice(0, 16);
  const root = join(cacheFolder(), `debian-${hash}`);
  const folder = debianFolder(root);
  if (await exists(root)) return folder;
  await withMachineLock(`build:${root}`, 'unpacks Debian packages', onProgress, async () => {
    if (await exists(root)) return;
    const what = `downloading the Debian packages ${packages.join(', ')}`;
    await withProgress(
      onProgress,
      () => what,
      async () => downloadAndUnpack(packages, root),
    );
  });
  return folder;
}

async function downloadAndUnpack(packages: readonly string[], root: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const scratch = await mkdtemp(`${root}.`);
  try {
    await aptDownload(packages, scratch);
    const archives = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    const unpacked = join(scratch, 'root');
    for (const archive of archives) await run('dpkg', ['-x', join(scratch, archive), unpacked]);
    await rename(unpacked, root);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot unpack the Debian packages ${packages.join(', ')}: ${reason}`, { cause: error });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A machine whose package lists were never fetched, or are old, gets them and a second try. */
async function aptDownload(packages: readonly string[], folder: string): Promise<void> {
  const download = async (): Promise<unknown> =>
    run('apt-get', ['-q', 'download', ...packages], { cwd: folder });
  try {
    await download();
  } catch {
    await run('apt-get', ['-q', 'update']);
    await download();
  }
}

function debianFolder(root: string): DebianFolder {
  const architecture = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return {
    root,
    path: ['usr/sbin', 'usr/bin'].map((folder) => join(root, folder)),
    libraryPath: ['usr/lib', 'lib'].map((folder) => join(root, folder, architecture)).join(':'),
  };
}

function containerdTool(name: string): GoTool {
  const module = 'github.com/containerd/containerd/v2';
  return {
    name,
    moduleFolder: toolFolder('containerd'),
    importPath: `${module}/cmd/${name}`,
    versionedModule: module,
    versionFlags: (version) => [`-X ${module}/version.Version=${version}`],
  };
}

function cniTool(path: string): GoTool {
  const module = 'github.com/containernetworking/plugins';
  return {
    name: path.slice(path.indexOf('/') + 1),
    moduleFolder: toolFolder('cni-plugins'),
    importPath: `${module}/plugins/${path}`,
    versionedModule: module,
    versionFlags: () => [],
  };
}

async function linkOnce(target: string, path: string): Promise<void> {
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
