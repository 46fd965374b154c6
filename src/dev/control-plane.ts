import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findControlPlaneBinaries } from './binaries.ts';
import { issueCertificate } from './certificates.ts';
import { auditPolicy, childArguments, type ControlPlaneChild } from './control-plane-arguments.ts';
import { type ControlPlanePki, ensurePki } from './control-plane-pki.ts';
import { choosePorts } from './free-ports.ts';
import { Guardian } from './guardian-client.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { ProgressListener } from './progress.ts';
import { waitUntilReady } from './readiness.ts';

/** How a local control plane shall be started. Without anything it is a throw-away one. */
export interface ControlPlaneOptions {
  /** A folder to keep: ports, certificates, and etcd's data are used again. Default: a temporary one, removed at the end. */
  stateDir?: string;
  /** Told about builds and starts. Default: nobody. */
  onProgress?: ProgressListener;
  /** A file for kube-apiserver's audit log of requests to nixfleet.dev and coordination.k8s.io, bodies included. */
  auditLog?: string;
  /** Lets etcd skip fsync, which a machine crash would punish. Default: true exactly for a throw-away control plane. */
  etcdUnsafeNoFsync?: boolean;
  /** Added to kube-apiserver's own arguments; the last one of a name wins. */
  extraApiServerArgs?: string[];
}

/** A running local control plane. It ends with `stop`, and with this process, however that ends. */
export interface ControlPlane {
  /** The folder with its data, certificates and logs. */
  readonly folder: string;
  /** A kubeconfig of a cluster administrator (group `system:masters`). */
  readonly kubeconfigPath: string;
  /** For instance `https://127.0.0.1:34567`. */
  readonly serverUrl: string;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string;
  /** Process ids now; a child that is down has none. */
  readonly pids: Readonly<Record<ControlPlaneChild, number | undefined> & { guardian: number }>;
  /** Writes a kubeconfig for another identity, known by client certificate, and returns its path. Rights come from RBAC. */
  writeKubeconfigFor(user: string, groups?: string[]): Promise<string>;
  /** Kills one of the two with SIGKILL and waits until it is gone. */
  crash(child: ControlPlaneChild): Promise<void>;
  /** Starts one again after `crash` (or kills and starts it) on the same port and waits until the API server is ready. */
  restart(child: ControlPlaneChild): Promise<void>;
  /** Stops one in its tracks (SIGSTOP), as a machine that hangs would. */
  pause(child: ControlPlaneChild): void;
  /** Lets a paused one go on. */
  resume(child: ControlPlaneChild): void;
  /** Ends both; removes the folder if it is a throw-away one. Safe to call twice. */
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;
const START_LIMIT_MS = 120_000;
const LOG_LINES = 15;

/**
 * Starts a real etcd and a real kube-apiserver on free loopback ports and resolves once the API server is ready.
 *
 * Rejects with both remedies where the programs can neither be found nor built, with the log's end where one of them
 * dies, and where `stateDir` is in use by another control plane.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const onProgress = options.onProgress ?? (() => undefined);
  const binaries = await findControlPlaneBinaries(onProgress);
  const guardian = await Guardian.start(
    options.stateDir === undefined ? undefined : resolve(options.stateDir),
  );
  try {
    const pki = await ensurePki(guardian.folder);
    for (let attempt = 1; ; attempt += 1) {
      const runner = new ControlPlaneRunner(guardian, pki, options, binaries);
      try {
        await runner.start();
        onProgress(`kube-apiserver is ready at ${runner.serverUrl}`);
        return runner;
      } catch (error) {
        // Between choosing a port and binding it somebody else may have taken it.
        const portTaken = error instanceof Error && error.message.includes('address already in use');
        if (!portTaken || attempt === START_ATTEMPTS) throw error;
        await Promise.all([guardian.kill('etcd'), guardian.kill('kube-apiserver')]);
      }
    }
  } catch (error) {
    await guardian.stop();
    throw error;
  }
}

class ControlPlaneRunner implements ControlPlane {
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly caFile: string;
  readonly #guardian: Guardian;
  readonly #pki: ControlPlanePki;
  readonly #options: ControlPlaneOptions;
  readonly #binaries: { etcd: string; kubeApiServer: string };
  #ports = { etcd: 0, kubeApiServer: 0 };

  constructor(
    guardian: Guardian,
    pki: ControlPlanePki,
    options: ControlPlaneOptions,
    binaries: { etcd: string; kubeApiServer: string },
  ) {
    this.#guardian = guardian;
    this.#pki = pki;
    this.#options = options;
    this.#binaries = binaries;
    this.folder = guardian.folder;
    this.kubeconfigPath = join(guardian.folder, 'kubeconfig');
    this.caFile = pki.caFile;
  }

  get serverUrl(): string {
    return `https://127.0.0.1:${this.#ports.kubeApiServer}`;
  }

  get pids(): ControlPlane['pids'] {
    return {
      etcd: this.#guardian.pidOf('etcd'),
      'kube-apiserver': this.#guardian.pidOf('kube-apiserver'),
      guardian: this.#guardian.pid,
    };
  }

  async start(): Promise<void> {
    this.#ports = await choosePorts(join(this.folder, 'ports.json'));
    await rm(join(this.folder, 'logs'), { recursive: true, force: true }); // a kept folder shall not grow by them
    await mkdir(join(this.folder, 'logs'));
    await writeFile(join(this.folder, 'audit-policy.yaml'), auditPolicy());
    await this.#writeKubeconfig(this.kubeconfigPath, 'admin', ['system:masters']);
    await this.#startChild('etcd');
    await this.#startChild('kube-apiserver');
    await this.#untilReady();
  }

  async writeKubeconfigFor(user: string, groups: string[] = []): Promise<string> {
    const path = join(this.folder, `kubeconfig-${user.replaceAll(/[^A-Za-z0-9._-]/g, '_')}`);
    await this.#writeKubeconfig(path, user, groups);
    return path;
  }

  async crash(child: ControlPlaneChild): Promise<void> {
    await this.#guardian.kill(child);
  }

  async restart(child: ControlPlaneChild): Promise<void> {
    await this.#guardian.kill(child);
    await this.#startChild(child);
    await this.#untilReady();
  }

  pause(child: ControlPlaneChild): void {
    this.#guardian.signal(child, 'SIGSTOP');
  }

  resume(child: ControlPlaneChild): void {
    this.#guardian.signal(child, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#guardian.stop();
  }

  async #startChild(child: ControlPlaneChild): Promise<void> {
    const file = child === 'etcd' ? this.#binaries.etcd : this.#binaries.kubeApiServer;
    const args = childArguments(child, {
      folder: this.folder,
      pki: this.#pki,
      ports: this.#ports,
      unsafeNoFsync: this.#options.etcdUnsafeNoFsync ?? this.#options.stateDir === undefined,
      auditLog: this.#options.auditLog === undefined ? undefined : resolve(this.#options.auditLog),
      extraApiServerArgs: this.#options.extraApiServerArgs ?? [],
    });
    await this.#guardian.startChild(child, file, args, this.#logFile(child));
  }

  async #untilReady(): Promise<void> {
    const admin = await issueCertificate(this.#pki.ca, {
      commonName: 'readiness',
      organizations: ['system:masters'],
      usage: 'client',
    });
    const ended = new Promise<never>((_resolve, reject) => {
      this.#guardian.onExit((exit) => {
        const how = exit.signal ?? `code ${exit.code ?? '?'}`;
        void this.#logEnd(exit.name).then((log) =>
          reject(new Error(`${exit.name} ended with ${how}:\n${log}`)),
        );
      });
    });
    ended.catch(() => undefined); // only matters while the race below is on
    const stop = new AbortController();
    try {
      const ready = waitUntilReady(this.serverUrl, this.#pki.ca.certPem, admin, START_LIMIT_MS, stop.signal);
      await Promise.race([ready, ended]);
    } finally {
      stop.abort();
      this.#guardian.onExit(() => undefined);
    }
  }

  async #writeKubeconfig(path: string, user: string, groups: string[]): Promise<void> {
    const client = await issueCertificate(this.#pki.ca, {
      commonName: user,
      organizations: groups,
      usage: 'client',
    });
    await writeKubeconfig(path, { serverUrl: this.serverUrl, caPem: this.#pki.ca.certPem, user, client });
  }

  #logFile(child: string): string {
    return join(this.folder, 'logs', `${child}.log`);
  }

  async #logEnd(child: string): Promise<string> {
    const text = await readFile(this.#logFile(child), 'utf8').catch(() => '(no log)');
    return text.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  }
}
