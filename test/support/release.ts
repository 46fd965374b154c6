import { gzipSync } from 'node:zlib';
import type { TrustConfig, TrustedKey } from '../../src/api/artifacts/trust-config.ts';
import type { FleetSpec } from '../../src/api/kinds/fleet.ts';
import { signDocument, signingKeyFromRaw, type SigningKey } from '../../src/core/artifacts/sign.ts';
import { releaseDocuments, type FleetDesign, type ReleaseDocuments } from '../../src/dev/local/release.ts';

/** The key that CI signs with in tests, and one that nobody trusts. */
export const CI_KEY = signingKeyFromRaw('ed25519', Buffer.alloc(32, 7));
export const OTHER_KEY = signingKeyFromRaw('ed25519', Buffer.alloc(32, 8));

/** Files of a release by name: documents and raw signatures (`.sig`). */
export type ReleaseFiles = ReadonlyMap<string, Buffer>;

/** What a release is made of; everything has a default. */
export interface ReleaseWish {
  /** By channel: the hosts of each wave. Default: two channels with three hosts. */
  readonly waves?: FleetDesign['waves'];
  readonly soakMinutes?: number;
  /** A digit that commit and closures are made of. Default 1. */
  readonly digit?: string;
  /** Seconds since it was signed. Default 0; negative for the future. */
  readonly ageSeconds?: number;
}

/** The channels and hosts of a release where a test wishes nothing else. */
export const DEFAULT_WAVES = { edge: [['edge-01']], stable: [['web-01'], ['web-02']] } as const;

/** The commit of a release. */
export function commitOf(digit = '1'): string {
  return digit.repeat(40);
}

/** What a host shall run by a release. */
export function closureOf(host: string, digit = '1'): string {
  return `${digit.repeat(32)}-nixos-system-${host}-26.05`;
}

/** The documents of a release, not signed. */
export function documentsOf(wish: ReleaseWish = {}): ReleaseDocuments {
  const { waves = DEFAULT_WAVES, soakMinutes = 0, digit = '1', ageSeconds = 0 } = wish;
  const hosts = Object.entries(waves).flatMap(([channel, lists]) =>
    lists.flat().map((name) => ({ name, channel, tags: [] })),
  );
  const design: FleetDesign = {
    hosts,
    waves,
    soakMinutes,
    onHealthFailure: 'rollback-and-halt',
    channelEdges: [],
    budgets: [],
  };
  // Whole seconds: v0.2 tools print no fraction.
  const signedAt = new Date(Date.now() - ageSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  return releaseDocuments(design, {
    commit: commitOf(digit),
    signedAt,
    closureOf: (host) => closureOf(host, digit),
  });
}

/** The documents with another text in place of one of them. */
export function edited(
  documents: ReleaseDocuments,
  name: string,
  edit: (text: string) => string,
): ReleaseDocuments {
  return new Map([...documents, [name, edit(documents.get(name) ?? '')]]);
}

/** Signs every document. */
export function signed(documents: ReleaseDocuments, key: SigningKey = CI_KEY): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [name, text] of documents) {
    files.set(name, Buffer.from(text));
    files.set(`${name}.sig`, Buffer.from(signDocument(text, key).signature));
  }
  return files;
}

/** A good release. */
export function releaseFiles(wish: ReleaseWish = {}): Map<string, Buffer> {
  return signed(documentsOf(wish));
}

/** A ConfigMap's contents. */
export interface ConfigMapContent {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Documents as text, signatures as base64 text: what people write by hand. */
export function asText(files: ReleaseFiles): ConfigMapContent {
  const text = (name: string, bytes: Buffer): string =>
    name.endsWith('.sig') ? bytes.toString('base64') : bytes.toString('utf8');
  return { data: Object.fromEntries([...files].map(([name, bytes]) => [name, text(name, bytes)])) };
}

/** Everything as raw bytes: what `kubectl create configmap --from-file` makes of signatures. */
export function asBinary(files: ReleaseFiles): ConfigMapContent {
  return {
    binaryData: Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString('base64')])),
  };
}

/** Every file packed under `<name>.gz`. */
export function packed(files: ReleaseFiles): Map<string, Buffer> {
  return new Map([...files].map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]));
}

/** Every packed file cut into `<name>.gz.0` … of at most so many bytes. */
export function cut(files: ReleaseFiles, bytesPerPart: number): Map<string, Buffer> {
  const parts = new Map<string, Buffer>();
  for (const [name, bytes] of packed(files)) {
    for (let at = 0; at < bytes.length; at += bytesPerPart) {
      parts.set(`${name}.${at / bytesPerPart}`, bytes.subarray(at, at + bytesPerPart));
    }
  }
  return parts;
}

/** The release in the Fleet itself. */
export function asInline(files: ReleaseFiles): NonNullable<FleetSpec['source']['inline']> {
  const text = (name: string): string => files.get(name)?.toString('utf8') ?? '';
  const signature = (name: string): string => files.get(`${name}.sig`)?.toString('base64') ?? '';
  const manifests = [...files.keys()].filter((name) => name.endsWith('.manifest.json'));
  return {
    fleet: text('fleet.resolved.json'),
    signature: signature('fleet.resolved.json'),
    manifests: manifests.map((name) => ({ manifest: text(name), signature: signature(name) })),
  };
}

/** A trust config that believes this key. */
export function trustIn(current: TrustedKey | null = CI_KEY.trusted): TrustConfig {
  const slot = { previous: null, successor: null, rejectBefore: null, retireAt: null };
  return {
    schemaVersion: 1,
    ciReleaseKey: { ...slot, current },
    cacheKeys: [],
    orgRootKey: null,
    rootCaPem: null,
    issuanceCaPems: [],
  };
}
