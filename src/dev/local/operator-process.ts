import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-ports.ts';
import type { ControlPlane } from '../control-plane.ts';
import { FLEET, NAMESPACE, type InstallationFiles } from './installation.ts';

/** What an operator needs around it; an `Installation` is one. */
export interface OperatorSurroundings {
  readonly controlPlane: Pick<ControlPlane, 'folder' | 'kubeconfigPath'>;
  readonly files: Pick<InstallationFiles, 'serverCert' | 'serverKey'>;
}

/** How an operator is started. */
export interface OperatorStart {
  /** Tells several apart in file names and messages. */
  readonly name: string;
  readonly installation: OperatorSurroundings;
  /** Default: a free one. */
  readonly agentPort?: number;
  /** Flags beyond those that follow from the installation. */
  readonly flags?: readonly string[];
  /** Arguments for Node itself beyond those of an installed operator, such as `--inspect`. */
  readonly nodeArguments?: readonly string[];
  /** What Node runs. Default: the source. */
  readonly program?: string;
  /** When it is given up, in milliseconds. Default: half a minute. */
  readonly readyLimitMs?: number;
}

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
/** As in bin/nixfleet-operator and the image (docs/adr/0030). */
const NODE_ARGUMENTS = ['--max-semi-space-size=4'];
const READY_LIMIT_MS = 30_000;
const READY_PAUSE_MS = 100;
const STOP_LIMIT_MS = 8_000;
const LOG_LINES = 15;

/** An operator as a child process, in a process group of its own, so that a Ctrl-C reaches only us. */
export class OperatorProcess {
  readonly name: string;
  readonly agentPort: number;
  readonly healthUrl: string;
  /** Everything it prints. */
  readonly logFile: string;
  readonly #child: ChildProcess;
  #toldToEnd = false;

  private constructor(
    name: string,
    child: ChildProcess,
    ports: { agent: number; health: number },
    logFile: string,
  ) {
    this.name = name;
    this.agentPort = ports.agent;
    this.healthUrl = `http://127.0.0.1:${ports.health}`;
    this.logFile = logFile;
    this.#child = child;
  }

  /** Starts one and resolves once it is ready. Rejects with the end of its log where it ends or never gets ready. */
  static async start(options: OperatorStart): Promise<OperatorProcess> {
    const { name, installation } = options;
    const ports = { agent: options.agentPort ?? (await freePort()), health: await freePort() };
    const logFile = join(installation.controlPlane.folder, 'logs', `${name}.log`);
    const log = await open(logFile, 'a');
    const { nodeArguments = [], program = MAIN, flags = [] } = options;
    const args = [
      ...NODE_ARGUMENTS,
      ...nodeArguments,
      program,
      'run',
      ...flagsOf(installation, ports),
      ...flags,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', log.fd, log.fd], detached: true });
    await once(child, 'spawn');
    await log.close();
    const operator = new OperatorProcess(name, child, ports, logFile);
    try {
      await operator.#untilReady(options.readyLimitMs ?? READY_LIMIT_MS);
    } catch (error) {
      await operator.stop();
      throw error;
    }
    return operator;
  }

  /** Its process id; undefined once it has ended. */
  get pid(): number | undefined {
    return this.#ended ? undefined : this.#child.pid;
  }

  /** Whether it holds the Lease, by its own metrics; false once it has ended. */
  async leads(): Promise<boolean> {
    if (this.#ended) return false;
    const answer = await fetch(`${this.healthUrl}/metrics`);
    return /^leader_election_master_status(?:\{[^}]*\})? 1$/m.test(await answer.text());
  }

  /** Whether somebody has called `kill` or `stop`. */
  get expectedToEnd(): boolean {
    return this.#toldToEnd;
  }

  /** Kills it with SIGKILL and waits until it is gone. */
  async kill(): Promise<void> {
    this.#toldToEnd = true;
    if (this.#ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  /** Asks it to end; kills it if it takes too long. Safe to call twice. */
  async stop(): Promise<void> {
    this.#toldToEnd = true;
    if (this.#ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exit;
    clearTimeout(killer);
  }

  /** Resolves when it ends, however it does. */
  async ended(): Promise<void> {
    if (!this.#ended) await once(this.#child, 'exit');
  }

  /** The last lines it printed. */
  async logEnd(): Promise<string> {
    const text = await readFile(this.logFile, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #untilReady(limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      if (this.#ended) throw new Error(`${this.name} ended before it was ready:\n${await this.logEnd()}`);
      const ready = await fetch(`${this.healthUrl}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      if (Date.now() > deadline) {
        throw new Error(`${this.name} is not ready after ${limitMs / 1000} s:\n${await this.logEnd()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, READY_PAUSE_MS));
    }
  }
}

function flagsOf(
  { controlPlane, files }: OperatorSurroundings,
  ports: { agent: number; health: number },
): string[] {
  return [
    `--kubeconfig=${controlPlane.kubeconfigPath}`,
    `--namespace=${NAMESPACE}`,
    `--fleet=${FLEET}`,
    '--roles=controller,webhook',
    `--agent-listen=127.0.0.1:${ports.agent}`,
    `--agent-tls-cert=${files.serverCert}`,
    `--agent-tls-key=${files.serverKey}`,
    `--health-listen=127.0.0.1:${ports.health}`,
  ];
}
