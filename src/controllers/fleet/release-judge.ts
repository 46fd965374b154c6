import type { Fleet } from '../../api/kinds/fleet.ts';
import { verifyRelease, type Release, type ReleaseRefusalReason } from '../../core/artifacts/release.ts';
import { durationOr } from '../../core/duration.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';
import type { Clock } from '../../kube/clock.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { StoreReader } from '../../kube/store.ts';
import { releaseKeys, trustOf } from '../content/trust.ts';
import { HttpSource } from './http-source.ts';
import { SourceFault, type SourceFaultReason } from './release-files.ts';
import { sourceOf } from './source.ts';

const DEFAULT_WINDOW_MS = 720 * 3_600_000;

/** What the source of a Fleet amounts to right now. */
export type Judgement =
  | { readonly ok: true; readonly release: Release }
  | {
      readonly ok: false;
      readonly reason: ReleaseRefusalReason | SourceFaultReason | 'TrustNotFound' | 'TrustUnreadable';
      readonly message: string;
    };

/**
 * Reads and verifies sources. A release once accepted stays accepted as long as neither source nor trust change, also
 * when it outgrows the freshness window; a refused one is judged anew each time, because time may cure it.
 */
export class ReleaseJudge {
  readonly #configMaps: Pick<StoreReader<ConfigMap>, 'get'>;
  readonly #clock: Clock;
  readonly #http: HttpSource;
  #accepted: { readonly version: string; readonly release: Release } | undefined;

  constructor(configMaps: Pick<StoreReader<ConfigMap>, 'get'>, client: KubeClient, clock: Clock) {
    this.#configMaps = configMaps;
    this.#clock = clock;
    this.#http = new HttpSource(client, clock);
  }

  /** Milliseconds until a polled source is to be judged again; undefined for sources that are watched. */
  pollDueInMs(fleet: Fleet): number | undefined {
    return fleet.spec.source.http === undefined ? undefined : this.#http.dueInMs();
  }

  /** Judges the source of a Fleet; never throws for what people can get wrong. */
  async judge(fleet: Fleet, signal: AbortSignal): Promise<Judgement> {
    const trust = trustOf(fleet, this.#configMaps);
    if (!trust.ok) return trust;
    try {
      const source = await sourceOf(fleet, this.#configMaps, this.#http, signal);
      const version = `${source.version}|${trust.version}`;
      if (this.#accepted?.version === version) return { ok: true, release: this.#accepted.release };
      const now = this.#clock.now();
      const freshnessWindowSeconds = durationOr(fleet.spec.freshness.window, DEFAULT_WINDOW_MS) / 1000;
      const judged = verifyRelease(await source.read(), {
        ...releaseKeys(trust.trust, now),
        now,
        freshnessWindowSeconds,
      });
      if (judged.ok) this.#accepted = { version, release: judged.release };
      return judged;
    } catch (error) {
      if (error instanceof SourceFault) return { ok: false, reason: error.reason, message: error.message };
      throw error;
    }
  }
}
