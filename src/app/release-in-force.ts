import type { Fleet } from '../api/kinds/fleet.ts';
import type { DeclaredHosts } from '../core/enrolment/judge-request.ts';
import type { Release } from '../core/artifacts/release.ts';
import { newestAttempt } from '../core/rollout/attempts.ts';
import { ContentFault, type ReleaseCache } from '../controllers/content/release-cache.ts';
import type { Stores } from '../controllers/context.ts';
import type { Clock, Timer } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { ReleaseView, SignedManifest } from '../webhook/release-view.ts';

const RETRY_MS = 2_000;
/** Keys end by the calendar, which no informer tells. */
const RECHECK_MS = 60_000;

/** What following the content in force needs. */
export interface ReleaseInForceOptions {
  readonly releases: ReleaseCache;
  readonly stores: Stores;
  readonly fleetKey: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Keeps the content in force at hand for the webhook, which must answer without waiting. As long as the API server does
 * not answer, what was verified before stays. What is refused is dropped: a key that was taken away ends what it signed
 * here and now, and not with the next restart.
 */
export class ReleaseInForce {
  readonly #options: ReleaseInForceOptions;
  #release: Release | undefined;
  #view: ReleaseView | undefined;
  #loading = false;
  #stale = false;
  #retry: Timer | undefined;
  #recheck: Timer;
  #stopped = false;

  constructor(options: ReleaseInForceOptions) {
    this.#options = options;
    const { stores, fleetKey } = options;
    stores.fleets.subscribe(() => void this.#refresh());
    stores.configMaps.subscribe(() => {
      // Only the trust config matters here, and only where something is in force.
      if (stores.fleets.get(fleetKey)?.status?.artifact !== undefined) void this.#refresh();
    });
    this.#recheck = this.#lookAgainLater();
  }

  /** The content in force as agents read it; undefined until there is one. */
  view(): ReleaseView | undefined {
    return this.#view;
  }

  /** The hosts that the content in force declares; undefined until there is one. */
  declaredHosts(): DeclaredHosts {
    const hosts = this.#release?.fleet.hosts;
    return hosts && ((hostname) => (Object.hasOwn(hosts, hostname) ? hosts[hostname] : undefined));
  }

  /** Stops trying. */
  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#recheck.cancel();
  }

  #lookAgainLater(): Timer {
    return this.#options.clock.setTimer(RECHECK_MS, () => {
      void this.#refresh();
      this.#recheck = this.#lookAgainLater();
    });
  }

  async #refresh(): Promise<void> {
    this.#stale = true;
    if (this.#loading) return;
    this.#loading = true;
    try {
      while (this.#stale && !this.#stopped) {
        this.#stale = false;
        await this.#load();
      }
    } finally {
      this.#loading = false;
    }
  }

  async #load(): Promise<void> {
    const { releases, stores, fleetKey, clock, log } = this.#options;
    const fleet = stores.fleets.get(fleetKey);
    try {
      const release = fleet === undefined ? undefined : await releases.inForce(fleet);
      if (fleet === undefined || release === undefined || release === this.#release) return;
      this.#release = release;
      this.#view = this.#viewOf(release);
    } catch (error) {
      if (error instanceof ContentFault) {
        this.#release = undefined;
        this.#view = undefined;
      }
      log.warn({ err: error }, 'the content in force cannot be read, trying again');
      this.#retry?.cancel();
      this.#retry = clock.setTimer(RETRY_MS, () => void this.#refresh());
    }
  }

  #viewOf(release: Release): ReleaseView {
    const byId = new Map([...release.manifests.values()].map((manifest) => [manifest.rolloutId, manifest]));
    return {
      fleetText: release.bytes,
      fleetSignature: release.signature,
      manifest: async (rolloutId) => byId.get(rolloutId) ?? (await this.#formerManifest(rolloutId)),
    };
  }

  /** Agents that still run an earlier rollout ask for its manifest, too. */
  async #formerManifest(rolloutId: string): Promise<SignedManifest | undefined> {
    const { releases, stores, fleetKey } = this.#options;
    const rollout = newestAttempt(rolloutId, stores.rollouts.list());
    const fleet: Fleet | undefined = stores.fleets.get(fleetKey);
    if (rollout === undefined || fleet === undefined) return undefined;
    return releases.manifestOf(fleet, rollout);
  }
}
