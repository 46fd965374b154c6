import { gzipSync } from 'node:zlib';
import { badInput } from './cli-error.ts';
import type { ReleaseDocument } from './release-documents.ts';

/** Whose ConfigMaps they are. */
export interface ConfigMapName {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** ConfigMaps that hold a release together. */
export interface RenderedConfigMaps {
  /** As `spec.source.configMapRefs` has to list them. */
  readonly names: readonly string[];
  /** Documents for `kubectl apply --server-side`. */
  readonly yaml: string;
}

interface Entry {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly binary: boolean;
}

/** Below the 1 MiB that the API server allows a ConfigMap, with room for base64 in etcd's limit on requests. */
const MAX_BYTES = 700 * 1024;
/** What is smaller stays readable even in a large release. */
const PACK_FROM_BYTES = 16 * 1024;
/** As many as a Fleet may list (kubernetes-api.md, `configMapRefs`). */
const MAX_CONFIG_MAPS = 16;

/**
 * The ConfigMaps of a release (kubernetes-api.md, `configMapRefs`): one, in plain text, while it has at most 700 KiB;
 * beyond that large files are packed (`.gz`), cut (`.gz.0` …) and spread over `name`, `name-2`, `name-3` …
 */
export function renderConfigMaps(
  target: ConfigMapName,
  documents: readonly ReleaseDocument[],
): RenderedConfigMaps {
  const plain = documents.flatMap(entriesOf);
  const entries = sizeOf(plain) <= MAX_BYTES ? plain : plain.flatMap(packed);
  const groups = spread(entries);
  if (groups.length > MAX_CONFIG_MAPS)
    throw badInput(
      `the release needs ${groups.length} ConfigMaps, but spec.source.configMapRefs may list ${MAX_CONFIG_MAPS}: split the fleet`,
    );
  const names = groups.map((_, index) => (index === 0 ? target.name : `${target.name}-${index + 1}`));
  const yaml = groups.map((group, index) => configMapYaml(names[index] ?? '', target.namespace, group));
  return { names, yaml: yaml.join('---\n') };
}

function entriesOf({ key, text, signature }: ReleaseDocument): Entry[] {
  const document = { key, bytes: Buffer.from(text), binary: false };
  return signature === undefined
    ? [document]
    : [document, { key: `${key}.sig`, bytes: signature, binary: true }];
}

function packed(entry: Entry): Entry[] {
  if (entry.bytes.length < PACK_FROM_BYTES) return [entry];
  const bytes = gzipSync(entry.bytes, { level: 9 });
  const key = `${entry.key}.gz`;
  if (bytes.length <= MAX_BYTES) return [{ key, bytes, binary: true }];
  return Array.from({ length: Math.ceil(bytes.length / MAX_BYTES) }, (_, part) => ({
    key: `${key}.${part}`,
    bytes: bytes.subarray(part * MAX_BYTES, (part + 1) * MAX_BYTES),
    binary: true,
  }));
}

/** First fit, so that the same release is always spread the same way. */
function spread(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = [];
  for (const entry of entries) {
    const group = groups.find((candidate) => sizeOf([...candidate, entry]) <= MAX_BYTES);
    if (group === undefined) groups.push([entry]);
    else group.push(entry);
  }
  return groups;
}

/** Keys count, too. */
function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function configMapYaml(name: string, namespace: string | undefined, entries: readonly Entry[]): string {
  const lines = ['apiVersion: v1', 'kind: ConfigMap', 'metadata:', `  name: ${quoted(name)}`];
  if (namespace !== undefined) lines.push(`  namespace: ${quoted(namespace)}`);
  for (const [field, binary] of [
    ['data', false],
    ['binaryData', true],
  ] as const) {
    const own = entries.filter((entry) => entry.binary === binary);
    if (own.length > 0) lines.push(`${field}:`);
    for (const { key, bytes } of own)
      lines.push(`  ${quoted(key)}: ${quoted(Buffer.from(bytes).toString(binary ? 'base64' : 'utf8'))}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * A double-quoted YAML scalar in ASCII: JSON's escapes are YAML's, but YAML folds a few characters that JSON leaves as
 * they are, and wants those beyond U+FFFF in one escape.
 */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
