import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cgroups } from '../cgroups.ts';
import { type DebianFolder, unpackDebian } from '../cluster/programs.ts';
import { NamespacedTree } from '../namespaces.ts';
import { type ProgressListener, withProgress } from '../progress.ts';
import { onlyScratch } from '../scratch.ts';

/** Debian's Docker Engine and what it starts; no iptables: the containers need no way out. */
const PACKAGES = ['docker.io', 'containerd', 'runc', 'libdevmapper1.02.1', 'tini'];
const INSIDE = fileURLToPath(new URL('./engine-inside.ts', import.meta.url));
/** The cgroup that containers are under. */
export const ENGINE_CGROUP = 'nixfleet-engine';
/** Where it listens, inside. */
export const ENGINE_SOCKET = '/run/docker.sock';
const LIMIT_MS = 60_000;
const PAUSE_MS = 50;
const LOG_LINES = 30;

/** Downloads and unpacks the engine once per machine; installs nothing. */
export async function findEngine(onProgress: ProgressListener): Promise<DebianFolder> {
  return unpackDebian(PACKAGES, onProgress);
}

/** A Docker Engine in private namespaces, which nobody else on the machine sees; it needs no registry. */
export class DockerEngine {
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

  /** Starts one and resolves when it answers. Rejects with the end of its log. */
  static async start(onProgress: ProgressListener): Promise<DockerEngine> {
    const debian = await findEngine(onProgress);
    return withProgress(
      onProgress,
      () => 'starting a Docker Engine',
      async () => {
        const folder = await onlyScratch('nixfleet-engine-');
        await mkdir(join(folder, 'data'));
        const cgroups = await Cgroups.find();
        await cgroups.remove(ENGINE_CGROUP);
        await cgroups.make(ENGINE_CGROUP);
        const env = {
          ...process.env,
          PATH: [...debian.path, dirname(process.execPath), process.env['PATH']].join(':'),
          LD_LIBRARY_PATH: debian.libraryPath,
          DOCKER_HOST: `unix://${ENGINE_SOCKET}`,
          TESTCONTAINERS_RYUK_DISABLED: 'true', // its image would have to be pulled; the namespaces end everything
        };
        const logFile = join(folder, 'engine.log');
        const args = [INSIDE, join(folder, 'data')];
        const tree = await NamespacedTree.start({ file: process.execPath, args, env, logFile });
        const engine = new DockerEngine(folder, tree, cgroups, env);
        try {
          await engine.#untilReady(logFile);
          return engine;
        } catch (error) {
          await engine.stop();
          throw error;
        }
      },
    );
  }

  /** Runs a command beside it, with DOCKER_HOST set; resolves to its exit code. */
  async run(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
    return this.#tree.run(command, { ...this.#env, ...env });
  }

  /** Ends it with all containers and removes what it left. */
  async stop(): Promise<void> {
    await this.#tree.kill();
    await this.#cgroups.remove(ENGINE_CGROUP);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #untilReady(logFile: string): Promise<void> {
    const deadline = Date.now() + LIMIT_MS;
    while ((await this.#tree.run(['docker', 'version'], this.#env, 'ignore')) !== 0) {
      if (!this.#tree.alive || Date.now() > deadline) {
        const log = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-LOG_LINES).join('\n');
        throw new Error(`the Docker Engine does not answer:\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
