import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

/** An image made of folders. */
export interface ImageContent {
  /** For instance `localhost/pause:local`. */
  readonly name: string;
  /** Folders, lowest first. */
  readonly layers: readonly string[];
  /** Entrypoint, Env and so on, as OCI spells them. */
  readonly config: Readonly<Record<string, unknown>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const run = promisify(execFile);
const mediaType = (of: string): string => `application/vnd.oci.image.${of}`;

/** Writes an OCI image layout into `folder` and resolves to the digest of its manifest. Equal content, equal digest. */
export async function writeImageLayout(folder: string, image: ImageContent): Promise<string> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const layers: Descriptor[] = [];
  for (const layer of image.layers) layers.push(await putLayer(blobs, layer));
  const config = await putJson(blobs, mediaType('config.v1+json'), {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = { schemaVersion: 2, mediaType: mediaType('manifest.v1+json'), config, layers };
  const descriptor = await putJson(blobs, mediaType('manifest.v1+json'), manifest);
  const annotations = { 'io.containerd.image.name': image.name };
  const index = { schemaVersion: 2, manifests: [{ ...descriptor, annotations }] };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return descriptor.digest;
}

/** Packs a folder into a tar file, the same one whenever and by whomever it is packed. */
export async function packTar(folder: string, outFile: string): Promise<void> {
  const reproducible = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
  ];
  await run('tar', [...reproducible, '-C', folder, '-cf', outFile, '.']);
}

async function putLayer(blobs: string, layer: string): Promise<Descriptor> {
  const packed = join(blobs, 'packing');
  await packTar(layer, packed);
  const hash = createHash('sha256');
  await pipeline(createReadStream(packed), hash);
  const digest = hash.digest('hex');
  const { size } = await stat(packed);
  await rename(packed, join(blobs, digest));
  return { mediaType: mediaType('layer.v1.tar'), digest: `sha256:${digest}`, size };
}

async function putJson(blobs: string, type: string, value: unknown): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(value));
  const digest = createHash('sha256').update(data).digest('hex');
  await writeFile(join(blobs, digest), data);
  return { mediaType: type, digest: `sha256:${digest}`, size: data.length };
}
