import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { helm, runHelm } from '../../src/dev/helm.ts';
import { kubectlAdmin, newNamespace } from './support/shared-cluster.ts';

const CHART = 'charts/nixfleet-operator';

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly [member: string]: unknown;
}

let folder: string;
let namespace: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixfleet-chart-'));
  namespace = await newNamespace('chart');
  const kinds = [
    ['monitoring.coreos.com', 'ServiceMonitor'],
    ['monitoring.coreos.com', 'PrometheusRule'],
    ['cert-manager.io', 'Certificate'],
  ] as const;
  const items = kinds.map(([group, kind]) => foreignKind(group, kind));
  await kubectlAdmin(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

/** A kind of somebody else, as far as the API server needs to know it to take an object. */
function foreignKind(group: string, kind: string): object {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

async function render(values: object): Promise<{ text: string; objects: Rendered[] }> {
  const file = join(folder, 'values.json');
  await writeFile(file, JSON.stringify(values));
  const text = await helm(['template', 'lab', CHART, '--namespace', namespace, '--values', file]);
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
  return { text, objects };
}

function named(objects: readonly Rendered[], kind: string, name: string): unknown {
  return objects.find((object) => object.kind === kind && object.metadata.name === name);
}

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
}

/** The container of a role's Pods. */
function containerOf(objects: readonly Rendered[], role: string): Container {
  const deployment = named(objects, 'Deployment', `lab-nixfleet-operator-${role}`) as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
  };
  const [container] = deployment.spec.template.spec.containers;
  if (container === undefined) throw new Error(`the Deployment of the ${role} has no container`);
  return container;
}

const kindsOf = (objects: readonly Rendered[]): string[] => objects.map(({ kind }) => kind);

describe('the API server takes what the chart renders', () => {
  const switches: [string, object, (objects: readonly Rendered[]) => void | Promise<void>][] = [
    [
      'default values',
      {},
      (objects) => {
        const kinds = kindsOf(objects);
        expect(kinds.filter((kind) => kind === 'CustomResourceDefinition')).toHaveLength(5);
        expect(kinds.filter((kind) => kind === 'Deployment')).toHaveLength(2);
        for (const absent of ['ServiceMonitor', 'PrometheusRule', 'FlowSchema', 'Certificate'])
          expect(kinds).not.toContain(absent);
      },
    ],
    [
      'kinds that an uninstallation keeps',
      {},
      (objects) => {
        const kept = objects.filter(
          ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
        );
        expect(kindsOf(kept).toSorted()).toEqual([
          ...Array.from({ length: 5 }, () => 'CustomResourceDefinition'),
          'Secret', // agents trust the CA in it
          'Secret', // and see the certificate in this one
        ]);
      },
    ],
    [
      'kinds that go with the release',
      { crds: { keep: false } },
      (objects) => {
        const kinds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
        for (const { metadata } of kinds)
          expect(metadata.annotations).not.toHaveProperty('helm.sh/resource-policy');
      },
    ],
    [
      'kinds that somebody else installs',
      { crds: { enabled: false } },
      (objects) => expect(kindsOf(objects)).not.toContain('CustomResourceDefinition'),
    ],
    [
      'rights that somebody else grants',
      { rbac: { create: false, aggregate: false } },
      (objects) => {
        for (const absent of ['Role', 'RoleBinding', 'ClusterRole'])
          expect(kindsOf(objects)).not.toContain(absent);
      },
    ],
    [
      'a certificate from cert-manager',
      {
        agents: {
          certificate: {
            source: 'CertManager',
            hosts: ['fleet.example', '192.0.2.7'],
            certManager: { issuerRef: { name: 'ca' } },
          },
        },
      },
      (objects) => {
        expect(kindsOf(objects)).not.toContain('Secret');
        expect(named(objects, 'Certificate', 'lab-nixfleet-operator-server')).toMatchObject({
          spec: {
            dnsNames: expect.arrayContaining([
              'fleet.example',
              `lab-nixfleet-operator-agents.${namespace}.svc`,
            ]) as unknown,
            ipAddresses: ['192.0.2.7'],
          },
        });
      },
    ],
    [
      'a certificate in a given Secret',
      { agents: { certificate: { source: 'Secret', secretName: 'mine' } } },
      (objects) => {
        expect(kindsOf(objects)).not.toContain('Secret');
        expect(JSON.stringify(named(objects, 'Deployment', 'lab-nixfleet-operator-webhook'))).toContain(
          '"secretName":"mine"',
        );
      },
    ],
    [
      'a load balancer',
      {
        agents: {
          service: {
            type: 'LoadBalancer',
            loadBalancerClass: 'lb.example/internal',
            loadBalancerSourceRanges: ['192.0.2.0/24'],
            externalTrafficPolicy: 'Local',
            annotations: { 'lb.example/kind': 'tcp' },
          },
        },
      },
      (objects) =>
        expect(named(objects, 'Service', 'lab-nixfleet-operator-agents')).toMatchObject({
          metadata: { annotations: { 'lb.example/kind': 'tcp' } },
          spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
        }),
    ],
    [
      'a port on the nodes',
      { agents: { service: { type: 'NodePort', nodePort: 30443 } } },
      (objects) =>
        expect(named(objects, 'Service', 'lab-nixfleet-operator-agents')).toMatchObject({
          spec: { ports: [{ nodePort: 30443 }] },
        }),
    ],
    [
      'monitoring',
      {
        metrics: {
          serviceMonitor: { enabled: true, labels: { release: 'prom' } },
          prometheusRule: { enabled: true, labels: { release: 'prom' } },
          dashboard: { enabled: true },
        },
      },
      async (objects) => {
        expect(kindsOf(objects)).toEqual(expect.arrayContaining(['ServiceMonitor', 'PrometheusRule']));
        const rules = JSON.stringify(named(objects, 'PrometheusRule', 'lab-nixfleet-operator'));
        expect(rules).toContain(`namespace=\\"${namespace}\\"`);
        expect(rules).not.toContain('$SELECT');
        expect(named(objects, 'ConfigMap', 'lab-nixfleet-operator-dashboard')).toMatchObject({
          metadata: { labels: { grafana_dashboard: '1' } },
          data: { 'nixfleet.json': await readFile(join(CHART, 'files/dashboard.json'), 'utf8') },
        });
      },
    ],
    [
      'FlowSchemas',
      { flowSchema: { enabled: true } },
      (objects) => expect(kindsOf(objects).filter((kind) => kind === 'FlowSchema')).toHaveLength(2),
    ],
    [
      'tracing, with headers from a Secret',
      {
        tracing: {
          endpoint: 'http://collector:4318',
          sampleRatio: 0.05,
          headersSecret: { name: 'otlp', key: 'all' },
        },
        webhook: { extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_TIMEOUT', value: '3000' }] },
      },
      (objects) => {
        for (const role of ['controller', 'webhook']) {
          const { args, env } = containerOf(objects, role);
          expect(args).toContain('--otlp-endpoint=http://collector:4318');
          expect(args).toContain('--trace-sample-ratio=0.05');
          expect(env?.[0]).toEqual({
            name: 'OTEL_EXPORTER_OTLP_HEADERS',
            valueFrom: { secretKeyRef: { name: 'otlp', key: 'all' } },
          });
        }
        expect(containerOf(objects, 'webhook').env?.[1]?.name).toBe('OTEL_EXPORTER_OTLP_TIMEOUT');
      },
    ],
    [
      'a Secret of headers that nobody sends',
      { tracing: { headersSecret: { name: 'otlp' } } },
      (objects) => {
        const { args, env } = containerOf(objects, 'controller');
        expect(args.filter((argument) => /otlp|trace/.test(argument))).toEqual([]);
        expect(env).toBeUndefined();
      },
    ],
    [
      'other limits of the agents’ port',
      {
        agents: {
          limits: {
            maxConnections: 1_000_000,
            handshakesPerSecond: 50,
            enrolmentsPerAddress: 5,
            enrolmentsPerSecond: 10,
          },
        },
      },
      (objects) => {
        const { args } = containerOf(objects, 'webhook');
        expect(args.filter((argument) => /--(max|handshakes|enrolments)-/.test(argument))).toEqual([
          '--max-connections=1000000',
          '--handshakes-per-second=50',
          '--enrolments-per-address=5',
          '--enrolments-per-second=10',
        ]);
      },
    ],
    [
      'network policies with peers',
      {
        networkPolicy: {
          agentsFrom: [{ ipBlock: { cidr: '192.0.2.0/24' } }],
          metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
          egress: [{ ports: [{ port: 443 }] }],
        },
      },
      (objects) =>
        expect(named(objects, 'NetworkPolicy', 'lab-nixfleet-operator-webhook')).toMatchObject({
          spec: { policyTypes: ['Ingress', 'Egress'] },
        }),
    ],
    [
      'no guards',
      { networkPolicy: { enabled: false }, podDisruptionBudget: { enabled: false } },
      (objects) => {
        for (const absent of ['NetworkPolicy', 'PodDisruptionBudget'])
          expect(kindsOf(objects)).not.toContain(absent);
      },
    ],
    [
      'names, labels, annotations, placement and credentials of the user’s own',
      {
        fullnameOverride: 'fleet',
        commonLabels: { team: 'platform' },
        commonAnnotations: { owner: 'platform' },
        imagePullSecrets: [{ name: 'registry' }],
        image: { digest: `sha256:${'0'.repeat(64)}` },
        serviceAccount: { annotations: { 'iam.example/role': 'x' } },
        controller: placement(),
        webhook: placement(),
        extraObjects: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-extra' } },
        ],
      },
      (objects) => {
        expect(named(objects, 'ConfigMap', 'lab-extra')).toBeDefined();
        const deployment = JSON.stringify(named(objects, 'Deployment', 'fleet-controller'));
        for (const text of [
          '"team":"platform"',
          '@sha256:',
          '--plan-interval=5s',
          'lane',
          'system-cluster-critical',
          'NODE_EXTRA_CA_CERTS',
          'forge-ca',
          '"mountPath":"/ca"',
        ])
          expect(deployment).toContain(text);
      },
    ],
  ];

  function placement(): object {
    return {
      extraArgs: ['--plan-interval=5s'],
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.crt' }],
      extraVolumes: [{ name: 'ca', configMap: { name: 'forge-ca' } }],
      extraVolumeMounts: [{ name: 'ca', mountPath: '/ca', readOnly: true }],
      podAnnotations: { a: 'b' },
      podLabels: { lane: 'fast' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
      ],
      priorityClassName: 'system-cluster-critical',
    };
  }

  it.for(switches)('%s', async ([, values, check]) => {
    const { text, objects } = await render(values);
    await check(objects);
    await kubectlAdmin(
      [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--namespace',
        namespace,
        '-f',
        '-',
      ],
      text,
    );
  });
});

it('passes helm lint', async () => {
  expect(await helm(['lint', '--strict', CHART])).toContain('0 chart(s) failed');
});

it.for([
  ['a key that does not exist', { webhok: { replicas: 3 } }, 'webhok'],
  ['a time without a unit', { agents: { pollMax: '60' } }, '/agents/pollMax'],
  ['no replicas', { controller: { replicas: 0 } }, '/controller/replicas'],
  [
    'a service type that does not exist',
    { agents: { service: { type: 'Ingress' } } },
    '/agents/service/type',
  ],
  ['a given Secret without its name', { agents: { certificate: { source: 'Secret' } } }, 'secretName'],
  ['cert-manager without an issuer', { agents: { certificate: { source: 'CertManager' } } }, 'issuerRef'],
  ['a digest that is none', { image: { digest: 'sha256:abc' } }, '/image/digest'],
  [
    'less time to drain than draining takes',
    { webhook: { terminationGracePeriodSeconds: 5 } },
    'terminationGrace',
  ],
  ['a share of traces above all of them', { tracing: { sampleRatio: 2 } }, '/tracing/sampleRatio'],
  ['a collector without a URL', { tracing: { endpoint: 'collector:4318' } }, '/tracing/endpoint'],
  ['a password in a URL', { tracing: { endpoint: 'https://me:x@collector' } }, '/tracing/endpoint'],
  ['a flag that is none', { controller: { extraArgs: ['plan-interval=5s'] } }, 'extraArgs'],
] as const)('the schema refuses %s', async ([, values, field]) => {
  const file = join(folder, 'refused.json');
  await writeFile(file, JSON.stringify(values));
  const { code, stderr } = await runHelm(['template', 'lab', CHART, '--values', file]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(field);
});
