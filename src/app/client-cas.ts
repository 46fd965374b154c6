import type { Fleet } from '../api/kinds/fleet.ts';
import type { ConfigMap } from '../kube/blob-store.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { defineResource, type KubeObject } from '../kube/resource.ts';
import type { StoreReader } from '../kube/store.ts';

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const secretResource = defineResource<Secret>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

/** Certificates that agents' client certificates are trusted by, and what is missing of them. */
export interface ClientCas {
  readonly pem: string;
  /** Sentences that name the field and the remedy. */
  readonly problems: readonly string[];
}

/**
 * The trust anchors of client certificates: the issuing CA (`tls.crt`, and `ca.crt` where the Secret has it) and the
 * bundle of `spec.agents.clientCAsRef` (agent-protocol.md §2.3). Secrets are read by `get`, never listed.
 */
export async function readClientCas(
  client: KubeClient,
  fleet: Fleet,
  configMaps: Pick<StoreReader<ConfigMap>, 'get'>,
): Promise<ClientCas> {
  const namespace = fleet.metadata.namespace ?? '';
  const { caSecretRef, clientCAsRef } = fleet.spec.agents;
  const parts: string[] = [];
  const problems: string[] = [];
  const secret = await getSecret(client, namespace, caSecretRef.name);
  const issuing = [secret?.data?.['tls.crt'], secret?.data?.['ca.crt']].filter(
    (value) => value !== undefined,
  );
  parts.push(...issuing.map((base64) => Buffer.from(base64, 'base64').toString('utf8')));
  if (issuing.length === 0) {
    problems.push(
      `spec.agents.caSecretRef: Secret ${caSecretRef.name} has no tls.crt: create it with the agents' CA`,
    );
  }
  if (clientCAsRef !== undefined) {
    const bundle = configMaps.get(`${namespace}/${clientCAsRef.name}`)?.data?.[clientCAsRef.key];
    if (bundle === undefined) {
      problems.push(
        `spec.agents.clientCAsRef: ConfigMap ${clientCAsRef.name} has no key ${clientCAsRef.key}`,
      );
    } else {
      parts.push(bundle);
    }
  }
  return { pem: parts.map((part) => part.trim()).join('\n'), problems };
}

async function getSecret(client: KubeClient, namespace: string, name: string): Promise<Secret | undefined> {
  try {
    return await client.get(secretResource, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
