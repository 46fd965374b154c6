import { LABEL_BURNED_NONCE, LABEL_CONTENT } from '../api/group.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../api/kinds/resources.ts';
import { RECORD_INDEXERS, type Stores } from '../controllers/context.ts';
import { configMapMetadataResource, configMapResource, type ConfigMap } from '../kube/blob-store.ts';
import { Informer, type InformerContext } from '../kube/informer.ts';
import type { StoreReader } from '../kube/store.ts';
import type { HealthCheck } from '../telemetry/health-server.ts';

/** The informers of a process and the stores they keep. */
export interface Informers {
  readonly stores: Stores;
  /** What burned bootstrap nonces have left behind. */
  readonly burnedNonces: StoreReader<ConfigMap>;
  /** Follows the API server until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when every store has held its whole collection once. */
  waitForSync(signal: AbortSignal): Promise<void>;
  /** Names the collections that are not there yet. */
  readonly check: HealthCheck;
}

/** Sets up one informer per collection; both roles need all of them but the quarantines, which are few. */
export function createInformers(context: InformerContext, namespace: string): Informers {
  const fleets = new Informer(context, fleetResource, { namespace });
  const rollouts = new Informer(context, rolloutResource, { namespace });
  const records = new Informer(context, hostRolloutRecordResource, {
    namespace,
    indexers: RECORD_INDEXERS,
  });
  const hosts = new Informer(context, hostResource, { namespace });
  const quarantines = new Informer(context, quarantinedClosureResource, { namespace });
  // Content in force is read by name; keeping every release in memory would serve nobody.
  const configMaps = new Informer(context, configMapResource, {
    namespace,
    labelSelector: `!${LABEL_CONTENT},!${LABEL_BURNED_NONCE}`,
  });
  // That it is there is another matter: what is deleted by mistake is stored anew.
  const contents = new Informer(context, configMapMetadataResource, {
    namespace,
    labelSelector: LABEL_CONTENT,
  });
  const burnedNonces = new Informer(context, configMapResource, {
    namespace,
    labelSelector: LABEL_BURNED_NONCE,
  });
  const all = [fleets, rollouts, records, hosts, quarantines, configMaps, contents, burnedNonces];
  return {
    stores: {
      fleets: fleets.store,
      rollouts: rollouts.store,
      records: records.store,
      hosts: hosts.store,
      quarantines: quarantines.store,
      configMaps: configMaps.store,
      contents: contents.store,
    },
    burnedNonces: burnedNonces.store,
    run: async (signal) => {
      await Promise.all(all.map((informer) => informer.run(signal)));
    },
    waitForSync: async (signal) => {
      await Promise.all(all.map((informer) => informer.store.waitForSync(signal)));
    },
    check: {
      name: 'caches',
      check: () => {
        const waiting = all.filter(({ store }) => !store.synced).map(({ resource }) => resource.plural);
        return waiting.length === 0 ? undefined : `not synced: ${waiting.join(', ')}`;
      },
    },
  };
}
