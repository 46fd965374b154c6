import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './errors.ts';
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

/** The same without what they hold. */
export const configMapMetadataResource = defineResource<KubeObject>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
  metadataOnly: true,
});

const KEY = 'content.gz';
/** An object may hold 1 MiB; this leaves room for base64's third and the metadata. */
const CHUNK_BYTES = 690_000;
const MAX_CHUNKS = 64;
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;
const HASH_CHARACTERS = 12;
/** A name that changes hands more often in one call is left alone. */
const PUT_ATTEMPTS = 4;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** The names of a blob's ConfigMaps. */
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

/** A blob that is stored whole. */
export interface StoredBlob {
  /** Names of its ConfigMaps, in order: what `getBlob` takes. */
  readonly names: readonly string[];
  /** The same ConfigMaps without their bytes, as the API server has them. */
  readonly parts: readonly KubeObject[];
  /** Names under which other bytes stood, which had to go. */
  readonly replaced: readonly string[];
}

/** A ConfigMap that nobody stored as a blob has the name that one needs. */
export class BlobNameTakenError extends Error {
  override readonly name = 'BlobNameTakenError';
}

/**
 * Stores bytes, gzipped, in immutable ConfigMaps named after their hash; storing the same bytes twice writes once. What
 * stands under such a name is compared: other bytes with the location's labels were damaged and are replaced. Rejects
 * with `BlobNameTakenError` where they have not got these labels, for they are somebody else's; throws where the packed
 * bytes would need more than 64 ConfigMaps.
 */
export async function putBlob(
  client: KubeClient,
  location: BlobLocation,
  bytes: Uint8Array,
): Promise<StoredBlob> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const packed = await zip(bytes, { level: 9 });
  const chunks = Math.max(1, Math.ceil(packed.length / CHUNK_BYTES));
  if (chunks > MAX_CHUNKS)
    throw new Error(`content of ${packed.length} packed bytes needs more than ${MAX_CHUNKS} ConfigMaps`);
  const names = chunkNames(location.prefix, sha256, chunks);
  const isStored = (): Promise<boolean> => holds(client, location.namespace, names, bytes);
  const puts = await Promise.all(
    names.map((name, index) => {
      const part: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: location.namespace, labels: location.labels },
        immutable: true,
        binaryData: {
          [KEY]: packed.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES).toString('base64'),
        },
      };
      return putPart(client, part, isStored);
    }),
  );
  return {
    names,
    parts: puts.map(({ part: { apiVersion, kind, metadata } }) => ({ apiVersion, kind, metadata })),
    replaced: names.filter((_, index) => puts[index]?.replaced),
  };
}

interface PutPart {
  readonly part: ConfigMap;
  readonly replaced: boolean;
}

/** Makes a ConfigMap be there with these bytes; `isStored` tells whether the whole blob is, however it was packed. */
async function putPart(
  client: KubeClient,
  wanted: ConfigMap,
  isStored: () => Promise<boolean>,
): Promise<PutPart> {
  let replaced = false;
  for (let attempt = 0; attempt < PUT_ATTEMPTS; attempt += 1) {
    try {
      return { part: await client.create(configMapResource, wanted), replaced };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const found = await orUndefined(client.get(configMapResource, wanted.metadata), isNotFound);
    if (found === undefined) continue;
    const same = found.binaryData?.[KEY] === wanted.binaryData?.[KEY];
    if (same || (await isStored())) return { part: found, replaced };
    if (!isLabelledLike(wanted, found)) {
      throw new BlobNameTakenError(
        `ConfigMap ${wanted.metadata.name} was made by somebody else, and content is to be stored under its name: delete it`,
      );
    }
    const { uid } = found.metadata;
    const gone = (error: unknown): boolean => isNotFound(error) || isConflict(error);
    await orUndefined(client.delete(configMapResource, found.metadata, { uid }), gone);
    replaced = true;
  }
  throw new Error(`ConfigMap ${wanted.metadata.name} changes whenever content is to be stored in it`);
}

/** What a request answers, or undefined where it fails in a way that is expected. */
async function orUndefined<R>(
  request: Promise<R>,
  expected: (error: unknown) => boolean,
): Promise<R | undefined> {
  try {
    return await request;
  } catch (error) {
    if (expected(error)) return undefined;
    throw error;
  }
}

function isLabelledLike(wanted: ConfigMap, found: ConfigMap): boolean {
  const labels = Object.entries(wanted.metadata.labels ?? {});
  return labels.length > 0 && labels.every(([key, value]) => found.metadata.labels?.[key] === value);
}

/** Another version of zlib packs the same bytes in another way. */
async function holds(
  client: KubeClient,
  namespace: string,
  names: readonly string[],
  bytes: Uint8Array,
): Promise<boolean> {
  try {
    return (await getBlob(client, namespace, names)).equals(bytes);
  } catch (error) {
    if (error instanceof KubeError && !isNotFound(error)) throw error;
    return false;
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
