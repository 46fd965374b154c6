import type { Fleet } from '../../api/kinds/fleet.ts';
import { sha256Hex } from '../../core/artifacts/hash.ts';
import { currentRolloutIds, splitRolloutId } from '../../core/artifacts/projection.ts';
import { readArtifact } from '../../core/artifacts/read-artifact.ts';
import type { PublishedManifest, PublishedRelease } from '../../core/artifacts/release.ts';
import { readJsonBytes } from '../../core/artifacts/strict-json.ts';
import { durationOr } from '../../core/duration.ts';
import type { Clock } from '../../kube/clock.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { getSecret, secretText } from '../../kube/secret.ts';
import { ConditionalFetch } from './conditional-fetch.ts';
import { signatureOf } from '../../core/artifacts/signature-file.ts';
import { SourceFault } from './release-files.ts';

type HttpSpec = NonNullable<Fleet['spec']['source']['http']>;

const DEFAULT_INTERVAL_MS = 30_000;
const MIN_INTERVAL_MS = 5_000;
const MAX_BACK_OFF_MS = 10 * 60_000;
const MAX_MANIFESTS = 64;
const PARALLEL_FETCHES = 4;
/** Only ids of this shape are put into a URL; others are refused when the release is verified. */
const FETCHABLE_ID = /^[a-z0-9_-]+@[0-9a-f]+$/;

/** What was fetched last, or why nothing was. */
type Poll =
  | { readonly ok: true; readonly published: PublishedRelease; readonly version: string }
  | { readonly ok: false; readonly fault: SourceFault };

/**
 * A release that is polled from a forge or web server (agent-protocol.md §5.7). Between two polls the last answer
 * holds; after a failure the next poll waits twice as long, up to ten minutes.
 */
export class HttpSource {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #fetch = new ConditionalFetch();
  #spec = '';
  #last: Poll | undefined;
  #dueAt = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Milliseconds until the next poll is due. */
  dueInMs(): number {
    return Math.max(0, this.#dueAt - this.#clock.monotonicMillis());
  }

  /** What the source holds, polled where that is due. Throws `SourceFault`. */
  async poll(
    fleet: Fleet,
    spec: HttpSpec,
    signal: AbortSignal,
  ): Promise<{ readonly published: PublishedRelease; readonly version: string }> {
    const written = JSON.stringify(spec);
    if (this.#last === undefined || written !== this.#spec || this.dueInMs() === 0) {
      this.#spec = written;
      this.#last = await this.#pollNow(fleet, spec, signal);
      this.#failures = this.#last.ok ? 0 : this.#failures + 1;
      this.#dueAt = this.#clock.monotonicMillis() + this.#waitMs(spec);
    }
    if (!this.#last.ok) throw this.#last.fault;
    return this.#last;
  }

  #waitMs(spec: HttpSpec): number {
    const interval = Math.max(MIN_INTERVAL_MS, durationOr(spec.interval, DEFAULT_INTERVAL_MS));
    return Math.min(Math.max(interval, MAX_BACK_OFF_MS), interval * 2 ** Math.min(this.#failures, 10));
  }

  async #pollNow(fleet: Fleet, spec: HttpSpec, signal: AbortSignal): Promise<Poll> {
    try {
      const published = await this.#published(spec, await this.#token(fleet, spec), signal);
      return { ok: true, published, version: `http/${versionOf(published)}` };
    } catch (error) {
      if (error instanceof SourceFault) return { ok: false, fault: error };
      throw error;
    }
  }

  async #published(
    spec: HttpSpec,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<PublishedRelease> {
    const bytes = await this.#fetch.get(spec.fleetURL, token, signal);
    const signature = signatureOf(await this.#fetch.get(spec.signatureURL, token, signal));
    const manifests: PublishedManifest[] = [];
    await forEachParallel(rolloutIdsOf(bytes), PARALLEL_FETCHES, async (rolloutId) => {
      const manifest = await this.#fetch.get(urlFor(spec.manifestURLTemplate, rolloutId), token, signal);
      const manifestSignature = await this.#fetch.get(
        urlFor(spec.manifestSignatureURLTemplate, rolloutId),
        token,
        signal,
      );
      manifests.push({
        channel: splitRolloutId(rolloutId).channel,
        document: { bytes: manifest, signature: signatureOf(manifestSignature) },
      });
    });
    return { fleet: { bytes, signature }, manifests };
  }

  async #token(fleet: Fleet, { tokenSecretRef }: HttpSpec): Promise<string | undefined> {
    if (tokenSecretRef === undefined) return undefined;
    const { name, key } = tokenSecretRef;
    const namespace = fleet.metadata.namespace ?? '';
    const token = secretText(await getSecret(this.#client, { namespace, name }), key)?.trim();
    if (token !== undefined && token !== '') return token;
    throw new SourceFault(
      'SourceUnreadable',
      `spec.source.http.tokenSecretRef: Secret ${name} has no key ${key}`,
    );
  }
}

/** The ids whose manifests are to be fetched. The fleet is not verified yet: its ids only choose URLs. */
function rolloutIdsOf(fleet: Uint8Array): string[] {
  const json = readJsonBytes(fleet);
  if (!json.ok)
    throw new SourceFault(
      'SourceUnreadable',
      `spec.source.http.fleetURL: the document is not JSON: ${json.message}`,
    );
  const reading = readArtifact('fleet', json.value);
  // The verifier says what is wrong with it, better than could be said here.
  if (!reading.ok) return [];
  return currentRolloutIds(reading.value)
    .filter((id) => FETCHABLE_ID.test(id))
    .slice(0, MAX_MANIFESTS);
}

function urlFor(template: string, rolloutId: string): string {
  return template.replaceAll('{rolloutId}', rolloutId);
}

function versionOf({ fleet, manifests }: PublishedRelease): string {
  const parts = [fleet, ...manifests.map(({ document }) => document)];
  const hashes = parts.map(({ bytes, signature }) => sha256Hex(bytes) + sha256Hex(signature));
  return sha256Hex(hashes.toSorted().join());
}
