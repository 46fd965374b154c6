import type { Fleet } from '../../api/kinds/fleet.ts';
import type { PublishedRelease } from '../../core/artifacts/release.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';
import type { StoreReader } from '../../kube/store.ts';
import type { HttpSource } from './http-source.ts';
import { signatureOf } from '../../core/artifacts/signature-file.ts';
import { releaseOfConfigMaps, SourceFault } from './release-files.ts';

/** What a Fleet's source holds, and a version that changes whenever it may hold something else. */
export interface Source {
  readonly version: string;
  /** Throws `SourceFault`. */
  read(): Promise<PublishedRelease>;
}

/** The source of a Fleet. Rejects with `SourceFault` where it does not exist or cannot be reached. */
export async function sourceOf(
  fleet: Fleet,
  configMaps: Pick<StoreReader<ConfigMap>, 'get'>,
  http: HttpSource,
  signal: AbortSignal,
): Promise<Source> {
  const { inline, configMapRefs, http: httpSpec } = fleet.spec.source;
  if (inline !== undefined) {
    const version = `inline/${fleet.metadata.uid ?? ''}/${fleet.metadata.generation ?? 0}`;
    return { version, read: () => Promise.resolve(releaseOfInline(inline)) };
  }
  if (configMapRefs !== undefined) {
    const found = configMapRefs.map((name) => configMapNamed(fleet, name, configMaps));
    const version = found
      .map(({ metadata }) => `${metadata.uid ?? ''}/${metadata.resourceVersion ?? ''}`)
      .join(',');
    return { version: `configMaps/${version}`, read: () => releaseOfConfigMaps(found) };
  }
  if (httpSpec === undefined) {
    throw new SourceFault('SourceUnreadable', 'spec.source is empty: give inline, configMapRefs or http');
  }
  const { version, published } = await http.poll(fleet, httpSpec, signal);
  return { version, read: () => Promise.resolve(published) };
}

function releaseOfInline(inline: NonNullable<Fleet['spec']['source']['inline']>): PublishedRelease {
  return {
    fleet: {
      bytes: Buffer.from(inline.fleet, 'utf8'),
      signature: signatureOf(Buffer.from(inline.signature)),
    },
    manifests: inline.manifests.map(({ manifest, signature }) => ({
      document: { bytes: Buffer.from(manifest, 'utf8'), signature: signatureOf(Buffer.from(signature)) },
    })),
  };
}

function configMapNamed(
  fleet: Fleet,
  name: string,
  configMaps: Pick<StoreReader<ConfigMap>, 'get'>,
): ConfigMap {
  const configMap = configMaps.get(`${fleet.metadata.namespace ?? ''}/${name}`);
  if (configMap !== undefined) return configMap;
  throw new SourceFault(
    'SourceNotFound',
    `spec.source.configMapRefs: ConfigMap ${name} does not exist: apply it together with the Fleet`,
  );
}
