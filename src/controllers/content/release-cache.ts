import { LRUCache } from 'lru-cache';
import type { Fleet } from '../../api/kinds/fleet.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { decodeReleaseBundle } from '../../core/artifacts/release-bundle.ts';
import {
  verifyRelease,
  type PublishedRelease,
  type Release,
  type ReleaseManifest,
} from '../../core/artifacts/release.ts';
import { getBlob, type ConfigMap } from '../../kube/blob-store.ts';
import type { Clock } from '../../kube/clock.ts';
import { isNotFound, KubeError } from '../../kube/errors.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { StoreReader } from '../../kube/store.ts';
import { noTracer, type Tracer } from '../../kube/tracer.ts';
import { releaseKeys, trustOf } from './trust.ts';

/** Contents kept in memory: the one in force and those of rollouts that still run. */
const CACHED_RELEASES = 8;

/** What a release cache reads from. */
export interface ReleaseCacheOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly configMaps: Pick<StoreReader<ConfigMap>, 'get'>;
  readonly clock: Clock;
  readonly tracer?: Tracer | undefined;
}

/** The content in force cannot be read or verified; the message says what to do. */
export class ContentFault extends Error {
  override readonly name = 'ContentFault';
}

/** Verification cannot even be tried: a trust config out of order is no revocation of what it allowed before. */
const WITHOUT_USABLE_KEYS: ReadonlySet<string> = new Set(['NoTrustRoots', 'UnsupportedAlgorithm']);

/**
 * The verified content that objects point at. Every process reads the stored bytes and verifies their signatures
 * itself, freshness excepted (architecture.md §1, content in force).
 */
export class ReleaseCache {
  readonly #options: ReleaseCacheOptions;
  readonly #releases = new LRUCache<string, Promise<Release>>({ max: CACHED_RELEASES });
  /** By content, what was verified last, whatever became of the trust config. */
  readonly #verified = new LRUCache<string, Release>({ max: CACHED_RELEASES });

  constructor(options: ReleaseCacheOptions) {
    this.#options = options;
  }

  /**
   * The content in force; undefined where none is. Rejects with `ContentFault` where it is missing or refused. While no
   * key can be used at all, content that this process has verified before stays what it is.
   */
  async inForce(fleet: Fleet): Promise<Release | undefined> {
    const artifact = fleet.status?.artifact;
    return artifact === undefined ? undefined : this.#load(fleet, artifact.contentRefs);
  }

  /** The manifest that a Rollout runs by, also after another content went into force; undefined where it has none yet. */
  async manifestOf(fleet: Fleet, rollout: Rollout): Promise<ReleaseManifest | undefined> {
    const refs = rollout.status?.manifest?.contentRefs;
    if (refs === undefined) return undefined;
    const manifest = (await this.#load(fleet, refs)).manifests.get(rollout.spec.channel);
    return manifest?.rolloutId === rollout.spec.rolloutId ? manifest : undefined;
  }

  #load(fleet: Fleet, contentRefs: readonly string[]): Promise<Release> {
    const trust = trustOf(fleet, this.#options.configMaps);
    if (!trust.ok) return this.#verifiedBefore(contentRefs, trust.message);
    const now = this.#options.clock.now();
    const { keys, rejectBefore } = releaseKeys(trust.trust, now);
    // Of one trust config, more or fewer keys are in force as time goes by, but never others.
    const key = [contentRefs.join(','), trust.version, keys.length].join('|');
    const cached = this.#releases.get(key);
    if (cached !== undefined) return cached;
    const loading = this.#read(contentRefs, { keys, rejectBefore, now, freshnessWindowSeconds: undefined });
    this.#releases.set(key, loading);
    // A failed read must not be remembered, or a hiccup would last until the next release.
    loading.catch(() => this.#releases.delete(key));
    return loading;
  }

  async #read(contentRefs: readonly string[], trust: Parameters<typeof verifyRelease>[1]): Promise<Release> {
    const { tracer = noTracer } = this.#options;
    const start = { name: 'verify release', attributes: { 'release.from': 'content' } };
    const verified = await tracer.span(start, async (span) => {
      const verdict = verifyRelease(await this.#published(contentRefs), trust);
      span.add({ 'release.outcome': verdict.ok ? 'Verified' : verdict.reason });
      return verdict;
    });
    if (verified.ok) {
      this.#verified.set(contentRefs.join(','), verified.release);
      return verified.release;
    }
    if (WITHOUT_USABLE_KEYS.has(verified.reason)) return this.#verifiedBefore(contentRefs, verified.message);
    // A key that was taken away does not come back by losing the trust config.
    this.#verified.delete(contentRefs.join(','));
    throw new ContentFault(`${contentRefs.join(', ')} is refused: ${verified.message}`);
  }

  async #published(contentRefs: readonly string[]): Promise<PublishedRelease> {
    const names = contentRefs.join(', ');
    try {
      return decodeReleaseBundle(await getBlob(this.#options.client, this.#options.namespace, contentRefs));
    } catch (error) {
      if (isNotFound(error)) {
        throw new ContentFault(
          `one of the ConfigMaps ${names} is gone: publish a good release, which stores it anew`,
        );
      }
      // Without an answer nothing is known about the content; it may be read the next time.
      if (error instanceof KubeError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ContentFault(
        `the ConfigMaps ${names} do not hold what was stored (${why}): delete them and publish a good release`,
      );
    }
  }

  async #verifiedBefore(contentRefs: readonly string[], why: string): Promise<Release> {
    const release = this.#verified.get(contentRefs.join(','));
    if (release !== undefined) return release;
    throw new ContentFault(`${contentRefs.join(', ')} cannot be verified: ${why}`);
  }
}
