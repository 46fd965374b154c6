import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { startControlPlane } from '../../../src/dev/control-plane.ts';
import { kubectl } from '../../../src/dev/kubectl.ts';
import { progressToStderr } from '../../../src/dev/progress.ts';

declare module 'vitest' {
  // Augmenting vitest's own interface is how it wants provided values typed.
  export interface ProvidedContext {
    kubeconfigPath: string;
    serverUrl: string;
  }
}

/**
 * Starts the one control plane that all integration tests share, with the kinds of crds/ installed.
 *
 * It ends with the test run, or with the runner's process if that is killed.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { onProgress, finish } = progressToStderr();
  const controlPlane = await startControlPlane({ onProgress });
  finish();
  const kinds = fileURLToPath(new URL('../../../crds', import.meta.url));
  if (existsSync(kinds)) {
    const options = { kubeconfig: controlPlane.kubeconfigPath };
    await kubectl(['apply', '--server-side', '-f', kinds], options);
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', kinds], options);
  }
  project.provide('kubeconfigPath', controlPlane.kubeconfigPath);
  project.provide('serverUrl', controlPlane.serverUrl);
  return async () => controlPlane.stop();
}
