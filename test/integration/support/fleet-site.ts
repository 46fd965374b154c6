import { API_VERSION } from '../../../src/api/group.ts';
import type { Fleet, FleetSpec } from '../../../src/api/kinds/fleet.ts';
import { fleetResource } from '../../../src/api/kinds/resources.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import { configMapResource, type ConfigMap } from '../../../src/kube/blob-store.ts';
import { isNotFound } from '../../../src/kube/errors.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { defineResource, type KubeObject, type Resource } from '../../../src/kube/resource.ts';
import { FLEET, SUFFIX } from '../../support/agent-port.ts';
import { asText, signed, trustIn } from '../../support/release.ts';
import { smallFleetDocuments, type SmallFleet } from '../../support/small-fleet.ts';

const SECRETS = defineResource<KubeObject & { readonly stringData?: Readonly<Record<string, string>> }>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

/** Members of the Fleet's spec that a test wants otherwise. */
export type FleetWish = Partial<Pick<FleetSpec, 'source' | 'offline' | 'agents' | 'intent'>>;

/** What people and CI keep in a namespace: trust, the agents' CA, the release and the Fleet. */
export class FleetSite {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #wish: FleetWish;

  constructor(client: KubeClient, namespace: string, wish: FleetWish = {}) {
    this.#client = client;
    this.#namespace = namespace;
    this.#wish = wish;
  }

  /** What an administrator creates beside the Fleet. */
  async install(agentCa: PemPair): Promise<void> {
    await this.#put(configMapResource, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: this.#named('trust'),
      data: { 'trust.json': JSON.stringify(trustIn()) },
    });
    await this.#put(SECRETS, {
      metadata: this.#named('agent-ca'),
      stringData: { 'tls.crt': agentCa.certPem, 'tls.key': agentCa.keyPem },
    });
  }

  /** Creates a Secret. */
  async secret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    await this.#put(SECRETS, { metadata: this.#named(name), stringData });
  }

  /** Signs a release as of `now`, replaces the one in the source and creates the Fleet if there is none. */
  async publish(fleet: SmallFleet, now: Timestamp): Promise<void> {
    await this.put(asText(signed(smallFleetDocuments(fleet, now))));
  }

  /** Makes the source hold exactly this, and creates the Fleet if there is none. */
  async put(content: Pick<ConfigMap, 'data'>): Promise<void> {
    const release = { apiVersion: 'v1', kind: 'ConfigMap', metadata: this.#named('release'), ...content };
    await this.#put(configMapResource, release);
    await this.applyFleet();
  }

  /** Creates the Fleet if there is none. */
  async applyFleet(): Promise<void> {
    if ((await this.#find(fleetResource, FLEET)) === undefined) {
      await this.#client.create<Fleet>(fleetResource, this.#fleet());
    }
  }

  #fleet(): Fleet {
    const { source, offline, agents, intent } = this.#wish;
    return {
      apiVersion: API_VERSION,
      kind: 'Fleet',
      metadata: this.#named(FLEET),
      spec: {
        source: source ?? { configMapRefs: ['release'] },
        trust: { configMapRef: { name: 'trust', key: 'trust.json' } },
        freshness: { window: '720h' },
        offline: offline ?? { after: '15m', policy: 'Wait' },
        agents: agents ?? {
          caSecretRef: { name: 'agent-ca' },
          cnSuffix: SUFFIX,
          certificateLifetime: '720h',
          artifactMaxAge: '55m',
        },
        retention: { attemptsPerChannel: 2, minAge: '1h' },
        intent: intent ?? { hold: 'None' },
      },
    };
  }

  async #put<T extends KubeObject>(resource: Resource<T>, wanted: T): Promise<void> {
    const current = await this.#find(resource, wanted.metadata.name);
    if (current === undefined) await this.#client.create(resource, wanted);
    else await this.#client.replace(resource, { ...wanted, metadata: current.metadata });
  }

  async #find<T extends KubeObject>(resource: Resource<T>, name: string): Promise<T | undefined> {
    try {
      return await this.#client.get(resource, this.#named(name));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #named(name: string): { name: string; namespace: string } {
    return { name, namespace: this.#namespace };
  }
}
