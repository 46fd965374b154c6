import { join } from 'node:path';
import {
  ensureGoTools,
  type GoToolSet,
  isExecutable,
  kubernetesVersionFlags,
  toolFolder,
} from './go-tools.ts';
import type { ProgressListener } from './progress.ts';

/** Where the programs of the local control plane are. */
export interface ControlPlaneBinaries {
  etcd: string;
  kubeApiServer: string;
}

const CONTROL_PLANE: GoToolSet = {
  what: 'the control plane',
  tools: [
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
  ],
  withoutGo: [
    'The local control plane needs the programs etcd and kube-apiserver, and neither way to get them is open:',
    '  * KUBEBUILDER_ASSETS is not set. Set it to a folder that holds both, for instance the one setup-envtest prints.',
    '  * There is no Go on PATH. Install Go 1.26 or newer (https://go.dev/dl) and both are built once, in about 5 minutes.',
  ].join('\n'),
};

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
  return inFolder(await ensureGoTools(CONTROL_PLANE, onProgress, env));
}

async function fromAssets(assets: string): Promise<ControlPlaneBinaries> {
  for (const { name } of CONTROL_PLANE.tools) {
    if (await isExecutable(join(assets, name))) continue;
    throw new Error(
      `KUBEBUILDER_ASSETS=${assets} has no executable ${name}: name a folder with etcd and kube-apiserver, ` +
        'or unset it to have both built with Go',
    );
  }
  return inFolder(assets);
}

function inFolder(folder: string): ControlPlaneBinaries {
  return { etcd: join(folder, 'etcd'), kubeApiServer: join(folder, 'kube-apiserver') };
}
