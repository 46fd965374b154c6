import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { helm } from '../../src/dev/helm.ts';
import { loadKubeConfig, readCredentials } from '../../src/kube/credentials.ts';
import { adminKubeconfig, kubectlAdmin, newNamespace } from './support/shared-cluster.ts';

const CHART = 'charts/nixfleet-operator';
const LIMIT = { timeout: 20_000 };

let folder: string;
let namespace: string;
let rendered: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixfleet-flow-'));
  namespace = await newNamespace('flow');
  const values = join(folder, 'values.json');
  await writeFile(values, JSON.stringify({ flowSchema: { enabled: true } }));
  rendered = await helm([
    'template',
    'lab',
    CHART,
    '--namespace',
    namespace,
    '--values',
    values,
    '--show-only',
    'templates/flow-schema.yaml',
  ]);
  await kubectlAdmin(['apply', '--server-side', '-f', '-'], rendered);
});

afterAll(async () => {
  await kubectlAdmin(['delete', '-f', '-'], rendered);
  await rm(folder, { recursive: true, force: true });
});

/** The FlowSchema that the API server puts a role's request under. */
async function classified(role: string, path: string): Promise<string> {
  const { server, tls, headers } = await readCredentials(loadKubeConfig(adminKubeconfig(), {}));
  const dispatcher = new Agent({ connect: tls });
  try {
    const answer = await request(new URL(path, server), {
      dispatcher,
      headers: {
        ...headers,
        'impersonate-user': `system:serviceaccount:${namespace}:lab-nixfleet-operator-${role}`,
        'impersonate-group': 'system:serviceaccounts',
      },
    });
    await answer.body.dump();
    const uid = String(answer.headers['x-kubernetes-pf-flowschema-uid']);
    const known = await kubectlAdmin([
      'get',
      'flowschemas',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid}={.spec.priorityLevelConfiguration.name}/{.metadata.name}{"\\n"}{end}',
    ]);
    const line = known.split('\n').find((candidate) => candidate.startsWith(`${uid}=`));
    return line?.slice(uid.length + 1) ?? `unknown ${uid}`;
  } finally {
    await dispatcher.close();
  }
}

test.for([
  ['controller', '/apis/nixfleet.dev/v1alpha1', 'hosts', 'workload-high', ''],
  ['webhook', '/apis/nixfleet.dev/v1alpha1', 'hostrolloutrecords', 'workload-high', ''],
  ['controller', '/api/v1', 'configmaps', 'workload-high', ''],
  ['controller', '/apis/coordination.k8s.io/v1', 'leases', 'leader-election', '-leases'],
] as const)(
  'the %s asks %s for %s before other workloads, at %s',
  async ([role, api, plural, level, suffix]) => {
    const path = `${api}/namespaces/${namespace}/${plural}`;
    const expected = `${level}/lab-nixfleet-operator-${namespace}${suffix}`;
    await expect.poll(() => classified(role, path), LIMIT).toBe(expected);
  },
);

test('what others ask for stays where it was', async () => {
  const path = `/apis/nixfleet.dev/v1alpha1/namespaces/${namespace}/hosts`;
  expect(await classified('somebody-else', path)).toBe('workload-low/service-accounts');
  expect(await classified('controller', '/apis/nixfleet.dev/v1alpha1/namespaces/default/hosts')).toBe(
    'workload-low/service-accounts',
  );
});
