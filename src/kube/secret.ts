import { isNotFound } from './errors.ts';
import type { KubeClient } from './kube-client.ts';
import { defineResource, type KubeObject, type ObjectRef } from './resource.ts';

/** A Secret; its values are base64. */
export interface Secret extends KubeObject {
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export const secretResource = defineResource<Secret>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

/** Reads one Secret by name (they are never listed or watched); undefined where it does not exist. */
export async function getSecret(client: KubeClient, ref: ObjectRef): Promise<Secret | undefined> {
  try {
    return await client.get(secretResource, ref);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A value of a Secret as text; undefined where the key is missing. */
export function secretText(secret: Secret | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
