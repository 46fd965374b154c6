import { API_VERSION } from '../../../src/api/group.ts';
import type { Host } from '../../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { RECORD_INDEXERS, type ControllerContext, type Stores } from '../../../src/controllers/context.ts';
import { noDomainMetrics } from '../../../src/controllers/domain-metrics.ts';
import { DEFAULT_SETTINGS } from '../../../src/controllers/settings.ts';
import type { Logger } from '../../../src/kube/logger.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { Store } from '../../../src/kube/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryApi } from '../../support/memory-api.ts';

/** Caches that a test fills as an informer would, and what the planner says about itself. */
export class PlannerRoom {
  readonly clock = new ManualClock('2026-03-01T12:00:00Z');
  readonly stores: Stores = {
    fleets: new Store(),
    rollouts: new Store(),
    records: new Store({ indexers: RECORD_INDEXERS }),
    hosts: new Store(),
    quarantines: new Store(),
    configMaps: new Store(),
    contents: new Store(),
  };
  readonly errors: object[] = [];
  divergences = 0;
  #version = 0;

  /** What the planner is given. */
  get context(): ControllerContext {
    const log: Logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (more) => void this.errors.push(more),
      child: () => log,
    };
    return {
      client: new MemoryApi().client(this.clock),
      stores: this.stores,
      namespace: 'ns',
      fleetName: 'lab',
      clock: this.clock,
      random: () => 0,
      log,
      audit: log,
      events: { record: () => undefined },
      metrics: { ...noDomainMetrics, planDiverged: () => void (this.divergences += 1) },
      settings: DEFAULT_SETTINGS,
      leadingSinceMs: 0,
    };
  }

  /** Puts an object into a cache, as it is or newer. */
  put<T extends KubeObject>(store: Store<T>, object: T): T {
    const { uid = `uid-${object.metadata.name}` } = object.metadata;
    const next = {
      ...object,
      metadata: { ...object.metadata, uid, resourceVersion: String(++this.#version) },
    };
    store.applyEvent('MODIFIED', next);
    return next;
  }

  /** Takes an object out of a cache. */
  remove<T extends KubeObject>(store: Store<T>, object: T): void {
    const { uid = `uid-${object.metadata.name}` } = object.metadata;
    const metadata = { ...object.metadata, uid, resourceVersion: String(++this.#version) };
    store.applyEvent('DELETED', { ...object, metadata });
  }

  /** A record's status, changed in part. */
  change(
    record: HostRolloutRecord,
    status: Partial<HostRolloutRecord['status'] & object>,
  ): HostRolloutRecord {
    const known = record.status ?? { state: 'Pending' as const, lastEventSeq: 0 };
    return this.put(this.stores.records, { ...record, status: { ...known, ...status } });
  }
}

/** A host that runs its old closure and has settled. */
export function onlineHost(hostname: string, closure = 'clo-old'): Host {
  return {
    apiVersion: API_VERSION,
    kind: 'Host',
    metadata: { name: hostname, namespace: 'ns' },
    spec: { fleetRef: 'lab', hostname, channel: 'stable', tags: [], platform: 'x86_64-linux' },
    status: {
      closure,
      offline: false,
      firstSeenTime: '2026-03-01T10:00:00Z' as NonNullable<Host['status']>['firstSeenTime'] & string,
      settledTime: '2026-03-01T10:01:00Z' as NonNullable<Host['status']>['settledTime'] & string,
    },
  };
}
