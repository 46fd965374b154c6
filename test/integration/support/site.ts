import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION } from '../../../src/api/group.ts';
import type { Condition } from '../../../src/api/kinds/condition.ts';
import type { Fleet, FleetSpec } from '../../../src/api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import {
  fleetResource,
  hostRolloutRecordResource,
  rolloutResource,
} from '../../../src/api/kinds/resources.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { createAgentCa, mintAgentCertificate, mintServerCertificate } from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import { kubectl } from '../../../src/dev/kubectl.ts';
import { OperatorProcess } from '../../../src/dev/local/operator-process.ts';
import { configMapResource, type ConfigMap } from '../../../src/kube/blob-store.ts';
import { isNotFound } from '../../../src/kube/errors.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { defineResource, type KubeObject } from '../../../src/kube/resource.ts';
import { WireHost } from '../../support/agent-port.ts';
import { trustIn, type ConfigMapContent } from '../../support/release.ts';
import { clientOf } from '../../support/widgets.ts';
import { adminKubeconfig, newNamespace } from './shared-cluster.ts';

export const FLEET = 'lab';
export const SUFFIX = 'fleet.example';

/** Waiting times that tests need not wait for. */
export const QUICK_FLAGS = [
  '--plan-interval=1s',
  '--status-interval=100ms',
  '--settle-gap=100ms',
  '--told-after=100ms',
  '--lease-duration=3s',
  '--lease-renew-deadline=2s',
  '--lease-retry-period=500ms',
];

const SECRETS = defineResource<KubeObject & { readonly stringData?: Readonly<Record<string, string>> }>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

/** A Kubernetes Event, as far as tests look at it. */
export interface EventLine {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly about: string;
}

const EVENTS = defineResource<
  KubeObject & {
    readonly type?: string;
    readonly reason?: string;
    readonly note?: string;
    readonly regarding?: { readonly kind?: string; readonly name?: string };
  }
>({ group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true });

/** A namespace as an installation finds it (trust config, agents' CA), with operators as processes of their own. */
export class Site {
  readonly namespace: string;
  readonly client: KubeClient;
  readonly #folder: string;
  readonly #kubeconfigPath: string;
  readonly #agentCa: PemPair;
  readonly #operators: OperatorProcess[] = [];

  private constructor(
    namespace: string,
    folder: string,
    kubeconfigPath: string,
    client: KubeClient,
    agentCa: PemPair,
  ) {
    this.namespace = namespace;
    this.#folder = folder;
    this.#kubeconfigPath = kubeconfigPath;
    this.client = client;
    this.#agentCa = agentCa;
  }

  /** Sets one up on the control plane that all tests share. */
  static async shared(prefix: string): Promise<Site> {
    return Site.of(await newNamespace(prefix), adminKubeconfig());
  }

  /** Sets one up in a namespace that exists. */
  static async of(namespace: string, kubeconfigPath: string): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'nixfleet-site-'));
    const site = new Site(namespace, folder, kubeconfigPath, clientOf(kubeconfigPath), await createAgentCa());
    await site.#install();
    return site;
  }

  /** Starts an operator and resolves when it is ready. */
  async startOperator(name = 'operator', flags: readonly string[] = QUICK_FLAGS): Promise<OperatorProcess> {
    const operator = await OperatorProcess.start({
      name,
      installation: {
        controlPlane: { folder: this.#folder, kubeconfigPath: this.#kubeconfigPath },
        files: {
          serverCert: join(this.#folder, 'server.pem'),
          serverKey: join(this.#folder, 'server-key.pem'),
        },
      },
      flags: [`--namespace=${this.namespace}`, `--fleet=${FLEET}`, ...flags],
    });
    this.#operators.push(operator);
    return operator;
  }

  /** Certificates with which a host of this name talks to the operators here. */
  async identityOf(name: string): Promise<PemPair & { readonly caPem: string }> {
    const certificate = await mintAgentCertificate(this.#agentCa, { machineId: name, suffix: SUFFIX });
    return { ...certificate, caPem: this.#agentCa.certPem };
  }

  /** A host that talks to this operator. */
  async host(operator: OperatorProcess, name: string): Promise<WireHost> {
    return WireHost.of({ port: operator.agentPort, ca: this.#agentCa }, name, { suffix: SUFFIX });
  }

  /** Creates a ConfigMap, or replaces all that it holds. */
  async putConfigMap(name: string, content: ConfigMapContent): Promise<void> {
    const metadata = { name, namespace: this.namespace };
    const current = await this.#find(() => this.client.get(configMapResource, metadata));
    const wanted: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...content };
    if (current === undefined) await this.client.create(configMapResource, wanted);
    else await this.client.replace(configMapResource, { ...wanted, metadata: current.metadata });
  }

  /** Makes the trust config say this. */
  async putTrust(text: string = JSON.stringify(trustIn())): Promise<void> {
    await this.putConfigMap('trust', { data: { 'trust.json': text } });
  }

  async deleteConfigMap(name: string): Promise<void> {
    await this.client.delete(configMapResource, { name, namespace: this.namespace });
  }

  /** Names of the ConfigMaps that hold content. */
  async contentConfigMaps(): Promise<ConfigMap[]> {
    const { items } = await this.client.list(configMapResource, {
      namespace: this.namespace,
      labelSelector: 'nixfleet.dev/content',
    });
    return items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** Makes the Fleet have this source, as `kubectl apply --server-side` would; other fields of the spec on wish. */
  async applyFleet(source: FleetSpec['source'], spec: object = {}, name = FLEET): Promise<void> {
    const fleet = {
      apiVersion: API_VERSION,
      kind: 'Fleet',
      metadata: { name, namespace: this.namespace },
      spec: {
        source,
        trust: { configMapRef: { name: 'trust', key: 'trust.json' } },
        agents: { caSecretRef: { name: 'agent-ca' }, cnSuffix: SUFFIX },
        ...spec,
      },
    };
    await this.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(fleet));
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const kubeconfig = this.#kubeconfigPath;
    return kubectl(['-n', this.namespace, ...args], { kubeconfig, ...(input !== undefined && { input }) });
  }

  async fleet(name = FLEET): Promise<Fleet> {
    return this.client.get(fleetResource, { name, namespace: this.namespace });
  }

  /** A condition of the Fleet as `Status Reason`. */
  async condition(type: string, name = FLEET): Promise<string> {
    const condition = await this.conditionOf(type, name);
    return condition === undefined ? 'none' : `${condition.status} ${condition.reason}`;
  }

  async conditionOf(type: string, name = FLEET): Promise<Condition | undefined> {
    return (await this.fleet(name)).status?.conditions?.find((condition) => condition.type === type);
  }

  /** Whether a pass over the Fleet as it is now has come to its end. */
  async isCarriedOut(): Promise<boolean> {
    const { metadata, status } = await this.fleet();
    return status?.observedGeneration === metadata.generation;
  }

  async rollouts(): Promise<readonly Rollout[]> {
    return (await this.client.list(rolloutResource, { namespace: this.namespace })).items;
  }

  async records(): Promise<readonly HostRolloutRecord[]> {
    return (await this.client.list(hostRolloutRecordResource, { namespace: this.namespace })).items;
  }

  async events(): Promise<EventLine[]> {
    const { items } = await this.client.list(EVENTS, { namespace: this.namespace });
    return items.map(({ type = '', reason = '', note = '', regarding }) => ({
      type,
      reason,
      note,
      about: `${regarding?.kind ?? ''}/${regarding?.name ?? ''}`,
    }));
  }

  /** Ends operators and connections. */
  async close(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.kill()));
    await this.client.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #install(): Promise<void> {
    await mkdir(join(this.#folder, 'logs'));
    const server = await mintServerCertificate(this.#agentCa);
    await writeFile(join(this.#folder, 'server.pem'), server.certPem);
    await writeFile(join(this.#folder, 'server-key.pem'), server.keyPem);
    await this.putTrust();
    await this.client.create(SECRETS, {
      metadata: { name: 'agent-ca', namespace: this.namespace },
      stringData: { 'tls.crt': this.#agentCa.certPem, 'tls.key': this.#agentCa.keyPem },
    });
  }

  async #find<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** The value of a counter or gauge with exactly these labels, such as `x_total{reason="a"}`; 0 where it is absent. */
export async function metricOf(operator: OperatorProcess, series: string): Promise<number> {
  const text = await (await fetch(`${operator.healthUrl}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}

/** The lines of the logger `audit` that an operator printed so far. */
export async function auditLinesOf(operator: OperatorProcess): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(operator.logFile, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
  return lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['logger'] === 'audit');
}
