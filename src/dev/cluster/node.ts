import { access, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeImageLayout, packTar } from '../image/oci-layout.ts';
import { Cgroups } from '../cgroups.ts';
import { NamespacedTree } from '../namespaces.ts';
import { type ProgressListener, withProgress } from '../progress.ts';
import { onlyScratch } from '../scratch.ts';
import { CGROUP, NODE_NAME, PAUSE_IMAGE } from './addresses.ts';
import { writeNodeFiles } from './node-files.ts';
import { findNodePrograms, type NodePrograms } from './programs.ts';

const INIT = fileURLToPath(new URL('./init.ts', import.meta.url));
const LIMIT_MS = 90_000;
const PAUSE_MS = 50;
const LOG_LINES = 8;

/** A real Kubernetes of one node in private namespaces: no registry, no way out of it, nothing left of it afterwards. */
export class ClusterNode {
  readonly #folder: string;
  readonly #tree: NamespacedTree;
  readonly #cgroups: Cgroups;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, tree: NamespacedTree, cgroups: Cgroups, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#tree = tree;
    this.#cgroups = cgroups;
    this.#env = env;
  }

  /**
   * Starts one and resolves when its node is Ready and takes Pods, with these image archives loaded. One at a time per
   * machine. Rejects with the ends of its logs.
   */
  static async start(images: readonly string[], onProgress: ProgressListener): Promise<ClusterNode> {
    const programs = await findNodePrograms(onProgress);
    return withProgress(
      onProgress,
      () => 'starting a Kubernetes of one node',
      async () => {
        const folder = await onlyScratch('nixfleet-cluster-');
        await writeNodeFiles(folder, programs);
        const cgroups = await Cgroups.find();
        await cgroups.remove(CGROUP);
        await cgroups.make(CGROUP);
        const env = environment(folder, programs);
        const logFile = join(folder, 'log', 'init.log');
        const tree = await NamespacedTree.start({
          file: process.execPath,
          args: [INIT, folder],
          env,
          logFile,
        });
        const node = new ClusterNode(folder, tree, cgroups, env);
        try {
          await node.#load([await pauseArchive(folder, programs.pause), ...images]);
          await node.#untilReady();
          return node;
        } catch (error) {
          await node.stop();
          throw error;
        }
      },
    );
  }

  /** Runs a command in the node's namespaces with KUBECONFIG of an administrator; resolves to its exit code. */
  async run(command: readonly string[]): Promise<number> {
    return this.#tree.run(command, this.#env);
  }

  /** Ends it and removes what it left. */
  async stop(): Promise<void> {
    await this.#tree.kill();
    await this.#cgroups.remove(CGROUP);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #load(archives: readonly string[]): Promise<void> {
    await this.#until('containerd to listen', ['test', '-S', '/run/containerd/containerd.sock']);
    for (const archive of archives) {
      const command = ['ctr', '--namespace=k8s.io', 'images', 'import', '--local', archive];
      if ((await this.#tree.run(command, this.#env, 'ignore')) !== 0)
        throw new Error(`cannot load ${archive}`);
    }
  }

  async #untilReady(): Promise<void> {
    await this.#until('the API server', ['kubectl', 'get', '--raw=/readyz']);
    await this.#until('the node to be Ready', [
      'kubectl',
      'wait',
      '--for=condition=Ready',
      `node/${NODE_NAME}`,
      '--timeout=1s',
    ]);
    await this.#until('the first ServiceAccount', [
      'kubectl',
      '-n',
      'default',
      'get',
      'serviceaccount',
      'default',
    ]);
  }

  async #until(what: string, command: readonly string[]): Promise<void> {
    const deadline = Date.now() + LIMIT_MS;
    const prepared = join(this.#folder, 'prepared');
    for (;;) {
      const entered = await access(prepared).then(
        () => true,
        () => false,
      );
      if (entered && (await this.#tree.run(command, this.#env, 'ignore')) === 0) return;
      if (!this.#tree.alive || Date.now() > deadline) {
        throw new Error(`waited for ${what}:\n${await this.#logEnds()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #logEnds(): Promise<string> {
    const names = ['init', 'kubelet', 'containerd', 'kube-apiserver', 'etcd', 'kube-controller-manager'];
    const ends = names.map(async (name) => {
      const text = await readFile(join(this.#folder, 'log', `${name}.log`), 'utf8').catch(() => '(no log)');
      return `--- ${name}\n${text.trimEnd().split('\n').slice(-LOG_LINES).join('\n')}`;
    });
    return (await Promise.all(ends)).join('\n');
  }
}

function environment(folder: string, programs: NodePrograms): NodeJS.ProcessEnv {
  const { etcdFolder, kubeFolder, runtimeFolder, debian } = programs;
  const path = [kubeFolder, etcdFolder, runtimeFolder, ...debian.path, dirname(process.execPath)];
  return {
    ...process.env,
    PATH: [...path, process.env['PATH']].join(':'),
    LD_LIBRARY_PATH: debian.libraryPath,
    KUBECONFIG: join(folder, 'admin.kubeconfig'),
    NIXFLEET_CLUSTER: folder,
  };
}

async function pauseArchive(folder: string, program: string): Promise<string> {
  const layer = join(folder, 'pause-layer');
  await mkdir(layer);
  await cp(program, join(layer, 'pause'));
  const layout = join(folder, 'pause-image');
  await writeImageLayout(layout, { name: PAUSE_IMAGE, layers: [layer], config: { Entrypoint: ['/pause'] } });
  await packTar(layout, `${layout}.tar`);
  return `${layout}.tar`;
}
