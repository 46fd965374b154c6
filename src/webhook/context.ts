import type { Fleet } from '../api/kinds/fleet.ts';
import type { Host } from '../api/kinds/host.ts';
import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../api/kinds/rollout.ts';
import { hostName } from '../core/naming.ts';
import type { Clock } from '../kube/clock.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { StoreReader, WriteSink } from '../kube/store.ts';
import type { Tracer } from '../kube/tracer.ts';
import type { Admission } from './admission.ts';
import type { PeerLimit } from './peer-limits.ts';
import type { ReleaseView } from './release-view.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

/** Name of the index of the record store that the webhook needs: by Host object (`spec.hostRef`). */
export const RECORDS_BY_HOST = 'host';

/** A cache that also takes the answers of own writes. */
export type WritableStore<T extends KubeObject> = StoreReader<T> & WriteSink<T>;

/** The caches that the webhook answers from. */
export interface WebhookStores {
  readonly fleets: StoreReader<Fleet>;
  readonly rollouts: StoreReader<Rollout>;
  /** Indexed by `RECORDS_BY_HOST`. */
  readonly records: WritableStore<HostRolloutRecord>;
  readonly hosts: WritableStore<Host>;
}

/** Waiting times and limits of the webhook. */
export interface WebhookSettings {
  /** The same mark goes to the same host again no sooner, in milliseconds. */
  readonly redeliverAfterMs: number;
  /** A heartbeat that no other one follows for so long, in milliseconds, has got its answer. */
  readonly toldAfterMs: number;
  /** The longest time a poll is held, in seconds; also what a poll without `wait` gets. */
  readonly pollMaxSeconds: number;
  /** Two reports of one closure this far apart, in milliseconds, settle a new host (D22). */
  readonly settleMinGapMs: number;
  /** `spec.offline.after` in milliseconds; `lastSeenTime` is refreshed every third of it. */
  readonly offlineAfterMs: () => number;
  /** Connections open at the same time; more are closed at once. */
  readonly maxConnections: number;
  /** TLS handshakes admitted per second; more wait, and are refused once two seconds are owed. */
  readonly handshakesPerSecond: number;
  /** Requests of one host that may wait for one another. */
  readonly hostQueueMax: number;
  /** What one host may ask for. */
  readonly hostLimit: PeerLimit;
  /** What strangers may ask for, by address and together: each enrolment costs signatures and perhaps a write. */
  readonly strangerLimit: PeerLimit;
}

/** The documented defaults (architecture.md §1 and §5); `offlineAfterMs` is that of a Fleet without the field. */
export const DEFAULT_WEBHOOK_SETTINGS: WebhookSettings = {
  redeliverAfterMs: 15_000,
  toldAfterMs: 20_000,
  pollMaxSeconds: 60,
  settleMinGapMs: 55_000,
  offlineAfterMs: () => 900_000,
  maxConnections: 32_768,
  handshakesPerSecond: 200,
  hostQueueMax: 32,
  // An agent has four requests under way at most; its outbox can hold hundreds of events when it comes back.
  hostLimit: { perPeer: { perSecond: 50, burst: 500 }, runningPerPeer: 32 },
  strangerLimit: strangerLimit(20, 100),
};

/** What strangers may ask for per second, from one address and together; more at once after a while without. */
export function strangerLimit(perAddress: number, together: number): PeerLimit {
  return {
    perPeer: { perSecond: perAddress, burst: 10 * perAddress },
    runningPerPeer: Math.max(32, perAddress),
    total: { perSecond: together, burst: 5 * together, running: Math.max(64, Math.ceil(together / 2)) },
  };
}

/** What every route works with. */
export interface WebhookContext {
  readonly client: KubeClient;
  readonly stores: WebhookStores;
  readonly namespace: string;
  /** The one Fleet that this installation serves. */
  readonly fleetName: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  /** What a host said and is not stored although it was well-formed, one line each. */
  readonly audit: Logger;
  readonly metrics: WebhookMetrics;
  readonly tracer?: Tracer | undefined;
  readonly settings: WebhookSettings;
  /** The content in force; undefined until one is. */
  readonly release: () => ReleaseView | undefined;
  /** Whom the port lets in; without it nobody can enrol or renew. */
  readonly admission?: Admission | undefined;
  /** The Fleet as the API server has it: never older than the call. Undefined where there is none. */
  readonly liveFleet: () => Promise<Fleet | undefined>;
}

/** The store key of an object of this installation. */
export function keyIn(context: Pick<WebhookContext, 'namespace'>, name: string): string {
  return `${context.namespace}/${name}`;
}

/** The Host object of a host as cached; a foreign object under its name does not count. */
export function hostObject(
  context: Pick<WebhookContext, 'namespace' | 'stores'>,
  hostname: string,
): Host | undefined {
  const host = context.stores.hosts.get(keyIn(context, hostName(hostname)));
  return host?.spec.hostname === hostname ? host : undefined;
}
