import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { PublishedManifest, PublishedRelease, SignedDocument } from '../../core/artifacts/release.ts';
import { signatureOf } from '../../core/artifacts/signature-file.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';

const unzip = promisify(gunzip);

const FLEET_FILE = 'fleet.resolved.json';
const MANIFEST_SUFFIX = '.manifest.json';
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;
const MAX_PARTS = 64;
const PACKED = /^(?<file>.+)\.gz(?:\.(?<part>\d{1,3}))?$/;

/** Why a source yields no release; the reasons of the Fleet's Verified condition that name the source. */
export type SourceFaultReason = 'SourceNotFound' | 'MissingKey' | 'DuplicateKey' | 'SourceUnreadable';

/** A source that cannot be read as a release. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly reason: SourceFaultReason;

  constructor(reason: SourceFaultReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * The release that some ConfigMaps hold together (kubernetes-api.md, `configMapRefs`). Other keys are ignored.
 * Throws `SourceFault` where a file is missing, given twice or cannot be unpacked.
 */
export async function releaseOfConfigMaps(configMaps: readonly ConfigMap[]): Promise<PublishedRelease> {
  const files = await unpackedFiles(configMaps);
  const manifests: PublishedManifest[] = [];
  for (const name of [...files.keys()].toSorted()) {
    if (!name.endsWith(MANIFEST_SUFFIX)) continue;
    const channel = name.slice(0, -MANIFEST_SUFFIX.length);
    manifests.push({ channel, document: documentOf(files, name) });
  }
  return { fleet: documentOf(files, FLEET_FILE), manifests };
}

function documentOf(files: ReadonlyMap<string, Buffer>, name: string): SignedDocument {
  const bytes = files.get(name);
  if (bytes === undefined)
    throw new SourceFault(
      'MissingKey',
      `no ConfigMap of spec.source.configMapRefs has the key ${name}: publish the document under that name`,
    );
  const signature = files.get(`${name}.sig`);
  if (signature === undefined) {
    throw new SourceFault(
      'MissingKey',
      `no ConfigMap of spec.source.configMapRefs has the key ${name}.sig: publish the signature, too`,
    );
  }
  return { bytes, signature: signatureOf(signature) };
}

async function unpackedFiles(configMaps: readonly ConfigMap[]): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const packed = new Map<string, Map<number, Buffer>>();
  for (const configMap of configMaps) {
    for (const [key, content] of contentsOf(configMap)) {
      const match = PACKED.exec(key)?.groups;
      if (match === undefined) addOnce(files, key, content, key);
      else addOnce(partsOf(packed, match['file'] ?? ''), Number(match['part'] ?? 0), content, key);
    }
  }
  for (const [file, parts] of packed) addOnce(files, file, await unpack(file, parts), file);
  return files;
}

function* contentsOf(configMap: ConfigMap): Iterable<[string, Buffer]> {
  for (const [key, text] of Object.entries(configMap.data ?? {})) yield [key, textOrBase64(key, text)];
  for (const [key, base64] of Object.entries(configMap.binaryData ?? {}))
    yield [key, Buffer.from(base64, 'base64')];
}

/** Packed bytes cannot stand in `data` as they are, so there they are base64. */
function textOrBase64(key: string, text: string): Buffer {
  return PACKED.test(key) ? Buffer.from(text.trim(), 'base64') : Buffer.from(text, 'utf8');
}

function partsOf(packed: Map<string, Map<number, Buffer>>, file: string): Map<number, Buffer> {
  const parts = packed.get(file) ?? new Map<number, Buffer>();
  packed.set(file, parts);
  return parts;
}

function addOnce<Key>(into: Map<Key, Buffer>, key: Key, content: Buffer, name: string): void {
  if (into.has(key)) {
    throw new SourceFault('DuplicateKey', `${name} is given twice in spec.source.configMapRefs: keep one`);
  }
  into.set(key, content);
}

async function unpack(file: string, parts: ReadonlyMap<number, Buffer>): Promise<Buffer> {
  if (parts.size > MAX_PARTS)
    throw new SourceFault('SourceUnreadable', `${file}.gz has more than ${MAX_PARTS} parts`);
  const ordered = Array.from({ length: parts.size }, (_, index) => {
    const part = parts.get(index);
    if (part === undefined)
      throw new SourceFault('MissingKey', `${file}.gz.${index} is missing between the parts of ${file}.gz`);
    return part;
  });
  try {
    return await unzip(Buffer.concat(ordered), { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SourceFault('SourceUnreadable', `${file}.gz cannot be unpacked: ${why}`);
  }
}
