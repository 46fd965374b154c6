import type { Fleet } from '../api/kinds/fleet.ts';
import type { ConfigMap } from '../kube/blob-store.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { getSecret, secretText } from '../kube/secret.ts';
import type { StoreReader } from '../kube/store.ts';
import type { AuthorityPem } from '../webhook/certificate-authority.ts';

/** Certificates that agents' client certificates are trusted by, who issues new ones, and what is missing of both. */
export interface ClientCas {
  readonly pem: string;
  /** The authority that issues, where its Secret has both parts. */
  readonly issuing: AuthorityPem | undefined;
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
  const secret = await getSecret(client, { namespace, name: caSecretRef.name });
  const trusted = ['tls.crt', 'ca.crt']
    .map((key) => secretText(secret, key))
    .filter((text) => text !== undefined);
  parts.push(...trusted);
  if (trusted.length === 0) {
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
  const certPem = secretText(secret, 'tls.crt');
  const keyPem = secretText(secret, 'tls.key');
  const issuing = certPem === undefined || keyPem === undefined ? undefined : { certPem, keyPem };
  return { issuing, pem: parts.map((part) => part.trim()).join('\n'), problems };
}
