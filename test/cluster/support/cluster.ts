import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { helm } from '../../../src/dev/helm.ts';
import { kubectl } from '../../../src/dev/kubectl.ts';

/** Where the tests install to, with the names that follow from the chart's default values. */
export const NAMESPACE = 'nixfleet';
/** Name of the release; the chart makes its objects' names from it. */
export const RELEASE = 'nixfleet-operator';
/** The chart as shipped. */
export const CHART = 'charts/nixfleet-operator';

/** The folder of the node that src/dev/cluster started around us. Throws where there is none. */
export function clusterFolder(): string {
  const folder = process.env['NIXFLEET_CLUSTER'];
  if (folder === undefined) throw new Error('not in a cluster: run `make test-cluster`');
  return folder;
}

/** kubectl as an administrator, in the namespace of the installation. Rejects with its stderr, and after 200 s. */
export async function kube(args: readonly string[], input?: string): Promise<string> {
  const kubeconfig = join(clusterFolder(), 'admin.kubeconfig');
  const options = { kubeconfig, timeoutMs: 200_000, ...(input !== undefined && { input }) };
  return kubectl(['--namespace', NAMESPACE, ...args], options);
}

/** helm as an administrator. Rejects with its stderr. */
export async function runHelm(args: readonly string[]): Promise<string> {
  return helm(['--namespace', NAMESPACE, ...args], join(clusterFolder(), 'admin.kubeconfig'));
}

/** Lets a name resolve here as the cluster's DNS would; nobody outside the node's namespaces sees it. */
export async function nameAddress(address: string, name: string): Promise<void> {
  const lines = (await readFile('/etc/hosts', 'utf8'))
    .split('\n')
    .filter((line) => !line.endsWith(` ${name}`));
  await writeFile('/etc/hosts', [`${address} ${name}`, ...lines].join('\n')); // in place: it is a mount
}

/** The Pods of one role, oldest first, without those that end. */
export async function podsOf(role: 'controller' | 'webhook'): Promise<string[]> {
  const text = await kube([
    'get',
    'pods',
    `--selector=app.kubernetes.io/component=${role}`,
    '--sort-by=.metadata.creationTimestamp',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name}{" "}{.metadata.deletionTimestamp}{"\\n"}{end}',
  ]);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes(' '));
}

/** A metric of a Pod, read through the API server; the sum over its series. */
export async function metricOf(pod: string, name: string): Promise<number> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}:8081/proxy/metrics`;
  const lines = (await kube(['get', '--raw', path])).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The Pod whose Lease it is; undefined while nobody holds it. */
export async function leaderPod(): Promise<string | undefined> {
  const holder = await kube(['get', 'lease', RELEASE, '-o', 'jsonpath={.spec.holderIdentity}']);
  return holder === '' ? undefined : holder.slice(0, holder.indexOf('_'));
}

/** From the start of a Pod's process to its line "serving", in seconds; the kubelet tells the start in whole ones. */
export async function startSeconds(pod: string): Promise<string> {
  const started = await kube([
    'get',
    'pod',
    pod,
    '-o',
    'jsonpath={.status.containerStatuses[0].state.running.startedAt}',
  ]);
  const serving =
    (await kube(['logs', pod])).split('\n').find((line) => line.includes('"msg":"serving"')) ?? '{}';
  const { time } = z.object({ time: z.string() }).parse(JSON.parse(serving));
  return ((Date.parse(time) - Date.parse(started)) / 1000).toFixed(1);
}

/** Asks for the eviction of a Pod, as draining a node does. Rejects where a budget forbids it. */
export async function evict(pod: string): Promise<void> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod, namespace: NAMESPACE },
  };
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`;
  await kube(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
}

/** How many Pods of a role are ready. */
export async function readyPods(role: 'controller' | 'webhook'): Promise<number> {
  const path = 'jsonpath={.status.readyReplicas}';
  return Number(await kube(['get', 'deployment', `${RELEASE}-${role}`, '-o', path]));
}

/** Names of all objects of a kind, ascending. */
export async function names(kind: string, ...selection: string[]): Promise<string[]> {
  const text = await kube(['get', kind, ...selection, '-o', 'jsonpath={.items[*].metadata.name}']);
  return text.split(' ').filter(Boolean).toSorted();
}

/** Waits for a condition of the Fleet as people and pipelines do, for its newest generation. Rejects after the limit. */
export async function fleetReaches(condition: string, limit = '60s'): Promise<void> {
  await kube(['wait', `--for=condition=${condition}`, `--timeout=${limit}`, 'fleet/fleet']);
}

/** Why the Fleet's newest generation is refused, as `reason: message` of its condition Verified. */
export async function refusal(): Promise<string> {
  await fleetReaches('Verified=False');
  const path = 'jsonpath={range .status.conditions[?(@.type=="Verified")]}{.reason}: {.message}{end}';
  return kube(['get', 'fleet', 'fleet', '-o', path]);
}

/** The decoded content of a Secret. */
export async function secretData(name: string): Promise<Record<string, string>> {
  const { data } = z
    .object({ data: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await kube(['get', 'secret', name, '-o', 'json'])));
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

/** Takes away what another file of tests has left. */
export async function removeEverything(): Promise<void> {
  if ((await runHelm(['list', '--short'])).includes(RELEASE)) await runHelm(['uninstall', RELEASE, '--wait']);
  await kube(['delete', 'crds', '--selector=app.kubernetes.io/part-of=nixfleet']);
  await kube(['delete', 'namespace', NAMESPACE, '--ignore-not-found']);
}
