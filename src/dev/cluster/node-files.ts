import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createCa, issueCertificate, type PemPair } from '../certificates.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { ADDRESSES, CGROUP, NODE_NAME, PAUSE_IMAGE } from './addresses.ts';
import type { NodePrograms } from './programs.ts';

/** Who talks to the API server, by the kubeconfig's name: user and groups as Kubernetes expects them. */
const IDENTITIES: Readonly<Record<string, { user: string; groups: string[] }>> = {
  admin: { user: 'admin', groups: ['system:masters'] },
  controllers: { user: 'system:kube-controller-manager', groups: [] },
  scheduler: { user: 'system:kube-scheduler', groups: [] },
  node: { user: `system:node:${NODE_NAME}`, groups: ['system:nodes'] },
  proxy: { user: 'system:kube-proxy', groups: [] },
};

/** Writes keys, certificates and configuration of a node into `folder`. */
export async function writeNodeFiles(folder: string, programs: NodePrograms): Promise<void> {
  for (const name of ['log', 'data', 'cni']) await mkdir(join(folder, name), { recursive: true });
  const file = (name: string): string => join(folder, name);
  const ca = await createCa('nixfleet test cluster');
  await writeFile(file('ca.crt'), ca.certPem);
  await writePair(file('apiserver'), await apiServerCertificate(ca));
  const kubeletClient = { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] };
  await writePair(file('kubelet-client'), await issueCertificate(ca, { ...kubeletClient, usage: 'client' }));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(
    file('service-account.key'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  for (const [name, { user, groups }] of Object.entries(IDENTITIES)) {
    const client = await issueCertificate(ca, { commonName: user, organizations: groups, usage: 'client' });
    const server = { serverUrl: `https://${ADDRESSES.node}:443`, caPem: ca.certPem };
    await writeKubeconfig(file(`${name}.kubeconfig`), { ...server, user, client });
  }
  await writeFile(file('resolv.conf'), '');
  await writeFile(file('kubelet.yaml'), stringify(kubeletConfiguration(folder)));
  await writeFile(file('proxy.yaml'), stringify(proxyConfiguration(folder)));
  await writeFile(file('audit-policy.yaml'), stringify(auditPolicy()));
  await writeFile(file('containerd.toml'), containerdConfiguration(folder, programs));
  await writeFile(file('cni/10-pods.conflist'), JSON.stringify(podNetwork()));
}

async function apiServerCertificate(ca: PemPair): Promise<PemPair> {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return issueCertificate(ca, {
    commonName: 'kube-apiserver',
    hosts: [...names, '127.0.0.1', ADDRESSES.apiService, ADDRESSES.node],
    usage: 'server',
  });
}

async function writePair(path: string, { certPem, keyPem }: PemPair): Promise<void> {
  await writeFile(`${path}.crt`, certPem);
  await writeFile(`${path}.key`, keyPem, { mode: 0o600 });
}

function kubeletConfiguration(folder: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false, // the default is true since v1.35
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${CGROUP}`,
    enforceNodeAllocatable: [],
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    volumePluginDir: join(folder, 'data/kubelet/volumeplugins'),
    oomScoreAdj: 0, // lower needs CAP_SYS_RESOURCE
    failSwapOn: false,
    syncFrequency: '10s', // Secrets and ConfigMaps reach the Pods within it
    imageGCHighThresholdPercent: 100, // the imported images cannot be pulled again
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
    resolvConf: join(folder, 'resolv.conf'),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(folder, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
  };
}

function proxyConfiguration(folder: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: join(folder, 'proxy.kubeconfig') },
    clusterCIDR: ADDRESSES.podRange,
    // The machine's connection tracking settings stay as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
  };
}

/** Who did what, without bodies: enough to compare what a role may do with what it does. */
function auditPolicy(): object {
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'Metadata', userGroups: ['system:serviceaccounts'], namespaces: ['nixfleet'] },
      { level: 'None' },
    ],
  };
}

function containerdConfiguration(folder: string, { runtimeFolder, debian }: NodePrograms): string {
  const disabled = [
    'io.containerd.nri.v1.nri',
    'io.containerd.internal.v1.opt',
    ...['blockfile', 'devmapper', 'erofs', 'zfs', 'btrfs'].map(
      (name) => `io.containerd.snapshotter.v1.${name}`,
    ),
  ];
  return `version = 3
root = '${join(folder, 'data/containerd')}'
state = '/run/containerd'
disabled_plugins = ${JSON.stringify(disabled)}
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true # there may be no CAP_SYS_RESOURCE
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['${runtimeFolder}']
    conf_dir = '${join(folder, 'cni')}'
    use_internal_loopback = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '${join(debian.root, 'usr/sbin/runc')}'
      SystemdCgroup = false
`;
}

function podNetwork(): object {
  const ipam = {
    type: 'host-local',
    dataDir: '/run/cni-ipam',
    ranges: [[{ subnet: ADDRESSES.podRange }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] };
}
