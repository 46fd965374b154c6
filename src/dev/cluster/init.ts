// Runs as root in the node's own mount, network, PID, UTS and IPC namespaces: prepares them, starts the node's programs,
// and ends, and with it everything, when its stdin does. Its argument is the node's folder.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADDRESSES, NODE_NAME } from './addresses.ts';

const folder = process.argv[2] ?? '';
const PAUSE_MS = 50;

function sh(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function program(name: string, ...args: string[]): void {
  const log = openSync(join(folder, 'log', `${name}.log`), 'a');
  const child = spawn(name, args, { stdio: ['ignore', log, log], cwd: folder });
  child.once('error', (error) => console.error(`${name}: ${error.message}`));
  child.once('exit', (code, signal) => console.error(`${name} ended: ${code ?? signal}`));
}

function prepareMounts(): void {
  // A sysfs of this network namespace, with the same cgroup mounts in it.
  const cgroups = join(folder, 'cgroup');
  mkdirSync(cgroups, { recursive: true });
  sh('mount', '--rbind', '/sys/fs/cgroup', cgroups);
  sh('mount', '-t', 'sysfs', 'sysfs', '/sys');
  sh('mount', '--rbind', cgroups, '/sys/fs/cgroup');
  sh('umount', '-l', cgroups);
  for (const path of ['/run', '/var/lib', '/var/log'])
    sh('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path);
  for (const path of ['/run/lock', '/run/netns']) mkdirSync(path, { recursive: true });
  // Names that tests want to resolve are written there; nobody outside sees it.
  writeFileSync('/run/hosts', readFileSync('/etc/hosts'));
  sh('mount', '--bind', '/run/hosts', '/etc/hosts');
  protectSysctls();
  sh('mount', '--make-rshared', '/');
}

/**
 * The kubelet insists on some settings of the whole machine. It finds them in files laid over the entries, and nothing
 * but the network's can be written.
 */
function protectSysctls(): void {
  sh('mount', '--bind', '/proc/sys', '/proc/sys');
  sh('mount', '--bind', '/proc/sys/net', '/proc/sys/net');
  sh('mount', '-o', 'remount,bind,ro', '/proc/sys');
  const wanted = {
    'vm/overcommit_memory': '1',
    'vm/panic_on_oom': '0',
    'kernel/panic': '10',
    'kernel/panic_on_oops': '1',
    'kernel/keys/root_maxkeys': '1000000',
    'kernel/keys/root_maxbytes': '25000000',
  };
  for (const [entry, value] of Object.entries(wanted)) {
    const file = `/run/sysctl.${entry.replaceAll('/', '.')}`;
    writeFileSync(file, `${value}\n`);
    sh('mount', '--bind', file, `/proc/sys/${entry}`);
  }
}

function prepareNetwork(): void {
  sh('ip', 'link', 'set', 'lo', 'up');
  sh('ip', 'addr', 'add', `${ADDRESSES.node}/32`, 'dev', 'lo');
  sh('ip', 'addr', 'add', `${ADDRESSES.apiService}/32`, 'dev', 'lo');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  // So that a connection from the node to a Service address gets as far as the rules of kube-proxy.
  sh('ip', 'route', 'add', ADDRESSES.serviceRange, 'dev', 'lo', 'src', ADDRESSES.node);
}

function startStore(): void {
  program(
    'etcd',
    '--data-dir=/var/lib/etcd',
    '--unsafe-no-fsync',
    `--listen-client-urls=${ADDRESSES.etcd}`,
    `--advertise-client-urls=${ADDRESSES.etcd}`,
    `--listen-peer-urls=${ADDRESSES.etcdPeer}`,
    `--initial-advertise-peer-urls=${ADDRESSES.etcdPeer}`,
    `--initial-cluster=default=${ADDRESSES.etcdPeer}`,
  );
  program(
    'kube-apiserver',
    `--etcd-servers=${ADDRESSES.etcd}`,
    // The node's programs use the node's address: a connection to a Service address that is older than the rules of
    // kube-proxy hangs for 30 s.
    '--bind-address=0.0.0.0',
    '--secure-port=443',
    `--advertise-address=${ADDRESSES.node}`,
    `--service-cluster-ip-range=${ADDRESSES.serviceRange}`,
    '--allow-privileged=true',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--client-ca-file=ca.crt',
    '--tls-cert-file=apiserver.crt',
    '--tls-private-key-file=apiserver.key',
    '--kubelet-client-certificate=kubelet-client.crt',
    '--kubelet-client-key=kubelet-client.key',
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-key-file=service-account.key',
    '--service-account-signing-key-file=service-account.key',
    '--audit-policy-file=audit-policy.yaml',
    `--audit-log-path=${join(folder, 'audit.log')}`,
    '--audit-log-maxsize=1000',
    '--profiling=false',
  );
}

async function startKubelet(): Promise<void> {
  program('containerd', '-c', 'containerd.toml');
  while (!existsSync('/run/containerd/containerd.sock')) await sleep(PAUSE_MS);
  program(
    'kubelet',
    `--root-dir=${join(folder, 'data/kubelet')}`,
    '--config=kubelet.yaml',
    '--kubeconfig=node.kubeconfig',
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${ADDRESSES.node}`,
  );
}

async function startControllers(): Promise<void> {
  while (!(await apiServerReady())) await sleep(PAUSE_MS);
  program(
    'kube-controller-manager',
    '--kubeconfig=controllers.kubeconfig',
    '--leader-elect=false',
    '--service-account-private-key-file=service-account.key',
    '--root-ca-file=ca.crt',
    '--use-service-account-credentials=true',
    `--flex-volume-plugin-dir=${join(folder, 'data/flex')}`,
    // With the defaults the first ServiceAccount comes after 9 s.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--bind-address=127.0.0.1',
  );
  program(
    'kube-scheduler',
    '--kubeconfig=scheduler.kubeconfig',
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
  );
  program('kube-proxy', '--config=proxy.yaml', `--hostname-override=${NODE_NAME}`);
}

async function apiServerReady(): Promise<boolean> {
  try {
    execFileSync('kubectl', ['--kubeconfig=admin.kubeconfig', 'get', '--raw=/readyz'], {
      cwd: folder,
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

process.stdin.on('end', () => process.exit(0)).resume();
prepareMounts();
prepareNetwork();
startStore();
// What names this file tells that the namespaces are prepared and can be entered.
writeFileSync(join(folder, 'prepared'), '');
await Promise.all([startKubelet(), startControllers()]);
