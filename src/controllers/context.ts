import type { Fleet } from '../api/kinds/fleet.ts';
import type { Host } from '../api/kinds/host.ts';
import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../api/kinds/quarantined-closure.ts';
import type { Rollout } from '../api/kinds/rollout.ts';
import type { ConfigMap } from '../kube/blob-store.ts';
import type { Clock } from '../kube/clock.ts';
import type { EventSink } from '../kube/events.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Indexer } from '../kube/store-index.ts';
import type { Tracer } from '../kube/tracer.ts';
import type { DomainMetrics } from './domain-metrics.ts';
import type { ControllerSettings } from './settings.ts';

/** Names of the store indexes that the controllers look objects up by. */
export const INDEX_BY_ROLLOUT = 'rollout';
export const INDEX_BY_HOST = 'host';
export const INDEX_BY_PENDING = 'pending';

/** How records are indexed. */
export const RECORD_INDEXERS: Readonly<Record<string, Indexer<HostRolloutRecord>>> = {
  [INDEX_BY_ROLLOUT]: ({ spec }) => [spec.rolloutRef],
  [INDEX_BY_HOST]: ({ spec }) => [spec.hostRef],
  [INDEX_BY_PENDING]: (record) => [
    ...((record.status?.pendingEffects ?? []).length > 0 ? ['effects'] : []),
    ...(isOnTarget(record) ? ['recovery'] : []),
  ],
};

/** Whether a Pending record's host said that it runs the target already. */
function isOnTarget({ spec, status }: HostRolloutRecord): boolean {
  return (status?.state ?? 'Pending') === 'Pending' && status?.lastReport?.closure === spec.targetClosure;
}

/** What the informers hold; answers of own writes go in, too. */
export interface Stores {
  readonly fleets: Store<Fleet>;
  readonly rollouts: Store<Rollout>;
  /** Indexed by `INDEX_BY_ROLLOUT` (Rollout name), `INDEX_BY_HOST` (Host name), `INDEX_BY_PENDING` (`effects`, `recovery`). */
  readonly records: Store<HostRolloutRecord>;
  readonly hosts: Store<Host>;
  readonly quarantines: Store<QuarantinedClosure>;
  /** Without content ConfigMaps. */
  readonly configMaps: Store<ConfigMap>;
  /** The content ConfigMaps, without what they hold. */
  readonly contents: Store<KubeObject>;
}

/** What every controller works with. */
export interface ControllerContext {
  /** Refuses writes once the Lease may be gone. */
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly namespace: string;
  /** The one Fleet that this installation serves. */
  readonly fleetName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** One line per transition and decision: who, from, to, seq, cause (kubernetes-api.md, Events and logs). */
  readonly audit: Logger;
  readonly events: EventSink;
  readonly metrics: DomainMetrics;
  readonly tracer?: Tracer | undefined;
  readonly settings: ControllerSettings;
  /** The monotonic time since which this process has led, in milliseconds. */
  readonly leadingSinceMs: number;
}

/** The store key of an object of this installation. */
export function keyIn(context: Pick<ControllerContext, 'namespace'>, name: string): string {
  return `${context.namespace}/${name}`;
}

/** The served Fleet as cached. */
export function servedFleet(
  context: Pick<ControllerContext, 'namespace' | 'fleetName' | 'stores'>,
): Fleet | undefined {
  return context.stores.fleets.get(keyIn(context, context.fleetName));
}
