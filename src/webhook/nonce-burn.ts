import { createHash } from 'node:crypto';
import { LABEL_BURNED_NONCE } from '../api/group.ts';
import type { Timestamp } from '../api/time.ts';
import { configMapResource, type ConfigMap } from '../kube/blob-store.ts';
import { isAlreadyExists, isNotFound, KubeError } from '../kube/errors.ts';
import type { KubeClient } from '../kube/kube-client.ts';

/** A nonce that is used up now. */
export interface NonceBurn {
  readonly namespace: string;
  readonly nonce: string;
  /** The host that enrols with it. */
  readonly hostname: string;
  /** From when nobody could use it anyway; what remains of it is deleted a day later. */
  readonly expiresAt: Timestamp;
  /** Unique to this request, so that a create whose answer got lost is recognised. */
  readonly requestId: string;
}

/** Name of the ConfigMap that a burned nonce leaves behind. */
export function burnedNonceName(nonce: string): string {
  return `burned-nonce-${createHash('sha256').update(nonce).digest('hex')}`;
}

/**
 * Burns a nonce: creates the immutable ConfigMap of that name, which exactly one request of all replicas can
 * (architecture.md D13). `taken` where somebody was faster. Rejects with `KubeError` where it is not known to be stored.
 */
export async function burnNonce(client: KubeClient, burn: NonceBurn): Promise<'burned' | 'taken'> {
  try {
    await client.create(configMapResource, burned(burn));
    return 'burned';
  } catch (error) {
    if (isAlreadyExists(error)) return 'taken';
    if (!(error instanceof KubeError) || !error.retryable) throw error;
    const stored = await readBurned(client, burn);
    if (stored === undefined) throw error;
    return stored.data?.['requestId'] === burn.requestId ? 'burned' : 'taken';
  }
}

function burned({ namespace, nonce, hostname, expiresAt, requestId }: NonceBurn): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: burnedNonceName(nonce), namespace, labels: { [LABEL_BURNED_NONCE]: '' } },
    immutable: true,
    data: { hostname, expiresAt, requestId },
  };
}

async function readBurned(
  client: KubeClient,
  { namespace, nonce }: NonceBurn,
): Promise<ConfigMap | undefined> {
  try {
    return await client.get(configMapResource, { namespace, name: burnedNonceName(nonce) });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
