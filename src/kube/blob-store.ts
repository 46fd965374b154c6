import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { isAlreadyExists } from './errors.ts';
import type { KubeClient } from './kube-client.ts';
import { defineResource, type KubeObject } from './resource.ts';

/** A ConfigMap, as far as blobs and releases need it. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly binaryData?: Readonly<Record<string, string>> | undefined;
  readonly immutable?: boolean | undefined;
}

export const configMapResource = defineResource<ConfigMap>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
});

const KEY = 'content.gz';
/** An object may hold 1 MiB; this leaves room for base64's third and the metadata. */
const CHUNK_BYTES = 690_000;
const MAX_CHUNKS = 64;
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;
const HASH_CHARACTERS = 12;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** The names under which `putBlob` stores these bytes, without storing them; needs the packed form. */
function chunkNames(prefix: string, sha256: string, chunks: number): string[] {
  return Array.from(
    { length: chunks },
    (_, index) => `${prefix}-${sha256.slice(0, HASH_CHARACTERS)}-${index}`,
  );
}

/** Where a blob is kept, and what marks its ConfigMaps. */
export interface BlobLocation {
  readonly namespace: string;
  /** Names begin with it. */
  readonly prefix: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Stores bytes, gzipped, in immutable ConfigMaps named after their hash; storing the same bytes twice writes once.
 * Resolves to the names, in order. Throws where the packed bytes would need more than 64 ConfigMaps.
 */
export async function putBlob(
  client: KubeClient,
  location: BlobLocation,
  bytes: Uint8Array,
): Promise<string[]> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const packed = await zip(bytes, { level: 9 });
  const chunks = Math.max(1, Math.ceil(packed.length / CHUNK_BYTES));
  if (chunks > MAX_CHUNKS)
    throw new Error(`content of ${packed.length} packed bytes needs more than ${MAX_CHUNKS} ConfigMaps`);
  const names = chunkNames(location.prefix, sha256, chunks);
  await Promise.all(
    names.map((name, index) =>
      createOnce(client, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: location.namespace, labels: location.labels },
        immutable: true,
        binaryData: {
          [KEY]: packed.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES).toString('base64'),
        },
      }),
    ),
  );
  return names;
}

async function createOnce(client: KubeClient, configMap: ConfigMap): Promise<void> {
  try {
    await client.create(configMapResource, configMap);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/**
 * Reads what `putBlob` stored. Throws where a ConfigMap is missing or the bytes are not those that the name promises,
 * so that tampering with one never goes unnoticed.
 */
export async function getBlob(
  client: KubeClient,
  namespace: string,
  names: readonly string[],
): Promise<Buffer> {
  const parts = await Promise.all(
    names.map(async (name) => {
      const configMap = await client.get(configMapResource, { namespace, name });
      const part = configMap.binaryData?.[KEY];
      if (part === undefined) throw new Error(`ConfigMap ${name} has no binaryData["${KEY}"]`);
      return Buffer.from(part, 'base64');
    }),
  );
  const bytes = await unzip(Buffer.concat(parts), { maxOutputLength: MAX_UNPACKED_BYTES });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const promised = /-([0-9a-f]{12})-\d+$/.exec(names[0] ?? '')?.[1];
  if (promised !== sha256.slice(0, HASH_CHARACTERS)) {
    throw new Error(`the content of ${names.join(', ')} does not match its name`);
  }
  return bytes;
}
