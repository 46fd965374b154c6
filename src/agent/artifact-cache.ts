/** Where an agent gets its artifacts: its own disk while they are fresh, else the control plane (§3.4). */
import type { Timestamp } from '../api/time.ts';
import type {
  ArtifactVerifier,
  Freshness,
  ReceivedArtifact,
  VerifiedFleet,
  VerifiedManifest,
} from './artifacts.ts';
import type { AgentClient } from './client.ts';
import type { AgentConstants } from './constants.ts';
import type { DurableStore } from './durable-store.ts';

/** What the cache needs. */
export interface ArtifactCacheOptions {
  readonly client: AgentClient;
  readonly store: DurableStore;
  readonly verifier: ArtifactVerifier;
  readonly constants: AgentConstants;
  readonly now: () => Timestamp;
  readonly signal: AbortSignal;
}

const MANIFESTS_KEPT = 8;

/** Verifies on each use. A fleet is kept for as long as it is fresh, so a new one is noticed up to an hour late. */
export class ArtifactCache {
  readonly #options: ArtifactCacheOptions;

  constructor(options: ArtifactCacheOptions) {
    this.#options = options;
  }

  /** The fleet in force as far as this host knows; rejects where there is none that it believes. */
  async fleet(): Promise<VerifiedFleet> {
    const { verifier } = this.#options;
    return this.#obtain('fleet.resolved.json', '/v1/fleet.resolved', (received, freshness) =>
      verifier.fleet(received, freshness),
    );
  }

  /** The manifest of a rollout; rejects where it is not the one asked for, too. */
  async manifest(rolloutId: string): Promise<VerifiedManifest> {
    const { verifier } = this.#options;
    const name = `rollout-${rolloutId.replaceAll(/[^A-Za-z0-9\-@]/g, '_')}.json`;
    const manifest = await this.#obtain(name, `/v1/rollouts/${rolloutId}`, (received, freshness) =>
      verifier.manifest(received, freshness),
    );
    if (manifest.rolloutId !== rolloutId) {
      throw new Error(`the manifest of ${rolloutId} is one of ${manifest.rolloutId ?? 'nothing'}`);
    }
    await this.#forgetManifestsBut(name);
    return manifest;
  }

  async #obtain<Verified>(
    name: string,
    path: string,
    verify: (received: ReceivedArtifact, freshness: Freshness) => Verified,
  ): Promise<Verified> {
    const { store, verifier } = this.#options;
    const stored = await this.#stored(name);
    if (stored !== undefined) {
      try {
        return verify(stored, this.#freshness());
      } catch {
        // No longer fresh, or no longer trusted: fetch it.
      }
    }
    const received = { bytes: await this.#fetch(path), signature: await this.#fetch(`${path}/sig`) };
    const verified = verify(received, this.#freshness());
    await store.put(name, verifier.shared(received.bytes));
    await store.put(`${name}.sig`, received.signature);
    return verified;
  }

  async #stored(name: string): Promise<ReceivedArtifact | undefined> {
    const { store } = this.#options;
    const [bytes, signature] = [await store.get(name), await store.get(`${name}.sig`)];
    if (bytes === undefined || signature === undefined) return undefined;
    return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), signature };
  }

  async #fetch(path: string): Promise<Buffer> {
    const { client, constants, signal } = this.#options;
    const answer = await client.get(path, { timeout: constants.manifestTimeout, signal });
    if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}`);
    return answer.body;
  }

  #freshness(): Freshness {
    return { now: this.#options.now(), window: this.#options.constants.freshnessWindow };
  }

  async #forgetManifestsBut(name: string): Promise<void> {
    const { store } = this.#options;
    const manifests = (await store.list()).filter((file) => file.startsWith('rollout-'));
    if (manifests.length <= 2 * MANIFESTS_KEPT) return;
    for (const file of manifests) if (file !== name && file !== `${name}.sig`) await store.remove(file);
  }
}
