import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { kubectl } from '../../../src/dev/kubectl.ts';

/** Kubeconfig of an administrator of the control plane that all integration tests share. */
export function adminKubeconfig(): string {
  return inject('kubeconfigPath');
}

/** Runs kubectl as administrator on the shared control plane and returns its stdout; rejects with its stderr. */
export async function kubectlAdmin(args: readonly string[], input?: string): Promise<string> {
  const kubeconfig = adminKubeconfig();
  return kubectl(args, input === undefined ? { kubeconfig } : { kubeconfig, input });
}

/**
 * Creates a namespace nobody else uses and returns its name.
 *
 * It is never deleted: emptying a namespace is a controller's work, and a bare API server has none.
 */
export async function newNamespace(prefix = 'test'): Promise<string> {
  const name = `${prefix}-${randomBytes(5).toString('hex')}`;
  await kubectlAdmin(['create', 'namespace', name]);
  return name;
}
