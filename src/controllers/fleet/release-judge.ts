import type { Fleet } from '../../api/kinds/fleet.ts';
import { verifyRelease, type Release, type ReleaseRefusalReason } from '../../core/artifacts/release.ts';
import { durationOr } from '../../core/duration.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';
import type { Clock } from '../../kube/clock.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { StoreReader } from '../../kube/store.ts';
import { noTracer, type Tracer } from '../../kube/tracer.ts';
import { keysChangeInMs, releaseKeys, trustOf } from '../content/trust.ts';
import { HttpSource } from './http-source.ts';
import { SourceFault, type SourceFaultReason } from './release-files.ts';
import { sourceOf } from './source.ts';

const DEFAULT_WINDOW_MS = 720 * 3_600_000;

/** What the source of a Fleet amounts to right now. */
export type Judgement =
  | { readonly ok: true; readonly release: Release }
  | {
      readonly ok: false;
      readonly reason:
        | ReleaseRefusalReason
        | SourceFaultReason
        | 'TrustNotFound'
        | 'TrustUnreadable'
        /** It is good, but cannot be stored. */
        | 'ContentNameTaken';
      readonly message: string;
    };

/** A refused release is judged again after this long, because time may cure it. */
export const REJUDGE_MS = 60_000;

interface Kept {
  readonly version: string;
  readonly judgement: Judgement;
  /** On the monotonic clock. */
  readonly until: number;
}

/**
 * Reads and verifies sources. A release once accepted stays accepted as long as neither source nor keys change, also
 * when it outgrows the freshness window; a refused one is judged anew every `REJUDGE_MS`. As long as nothing is judged
 * anew, the very same object is the answer.
 */
export class ReleaseJudge {
  readonly #configMaps: Pick<StoreReader<ConfigMap>, 'get'>;
  readonly #clock: Clock;
  readonly #http: HttpSource;
  readonly #tracer: Tracer;
  #kept: Kept | undefined;

  constructor(
    configMaps: Pick<StoreReader<ConfigMap>, 'get'>,
    client: KubeClient,
    clock: Clock,
    tracer: Tracer = noTracer,
  ) {
    this.#configMaps = configMaps;
    this.#clock = clock;
    this.#http = new HttpSource(client, clock);
    this.#tracer = tracer;
  }

  /** Milliseconds until a polled source is to be judged again; undefined for sources that are watched. */
  pollDueInMs(fleet: Fleet): number | undefined {
    return fleet.spec.source.http === undefined ? undefined : this.#http.dueInMs();
  }

  /** Milliseconds until another set of keys is in force by itself; undefined where that never comes. */
  keysChangeInMs(fleet: Fleet): number | undefined {
    const trust = trustOf(fleet, this.#configMaps);
    return trust.ok ? keysChangeInMs(trust.trust, this.#clock.now()) : undefined;
  }

  /** Judges the source of a Fleet; never throws for what people can get wrong. */
  async judge(fleet: Fleet, signal: AbortSignal): Promise<Judgement> {
    const trust = trustOf(fleet, this.#configMaps);
    if (!trust.ok) return this.#keep(`${trust.reason}|${trust.message}`, () => trust);
    const source = await orFault(sourceOf(fleet, this.#configMaps, this.#http, signal));
    if (source instanceof SourceFault) {
      return this.#keep(`${source.reason}|${source.message}`, () => refusalOf(source));
    }
    const { window } = fleet.spec.freshness;
    const now = this.#clock.now();
    const { keys, rejectBefore } = releaseKeys(trust.trust, now);
    return this.#keep([source.version, trust.version, keys.length, window].join('|'), async () => {
      const published = await orFault(source.read());
      if (published instanceof SourceFault) return refusalOf(published);
      const freshnessWindowSeconds = durationOr(window, DEFAULT_WINDOW_MS) / 1000;
      return verifyRelease(published, { keys, rejectBefore, now, freshnessWindowSeconds });
    });
  }

  async #keep(version: string, judge: () => Judgement | Promise<Judgement>): Promise<Judgement> {
    const kept = this.#kept;
    const now = this.#clock.monotonicMillis();
    if (kept?.version === version && (kept.judgement.ok || now < kept.until)) return kept.judgement;
    const start = { name: 'verify release', attributes: { 'release.from': 'source' } };
    const judgement = await this.#tracer.span(start, async (span) => {
      const judged = await judge();
      span.add({ 'release.outcome': judged.ok ? 'Verified' : judged.reason });
      return judged;
    });
    this.#kept = { version, judgement, until: now + REJUDGE_MS };
    return judgement;
  }
}

async function orFault<T>(reading: Promise<T>): Promise<T | SourceFault> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof SourceFault) return error;
    throw error;
  }
}

function refusalOf({ reason, message }: SourceFault): Judgement {
  return { ok: false, reason, message };
}
