import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  rolloutResource,
} from '../../../src/api/kinds/resources.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { listWatchOf } from '../../../src/kube/list-watch.ts';
import { silentLogger } from '../../../src/kube/logger.ts';
import { Reflector } from '../../../src/kube/reflector.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import type { Store } from '../../../src/kube/store.ts';
import {
  newStores,
  startAgentPort,
  type AgentPort,
  type AgentPortOptions,
} from '../../support/agent-port.ts';

/** One replica of the webhook with informers of its own. */
export interface Replica extends AgentPort {
  /** Resolves when its cache holds what the API server had at the call. */
  catchUp(): Promise<void>;
  /** Its cache stops following the API server. */
  freeze(): Promise<void>;
}

/** Starts a replica whose caches are in sync. */
export async function startReplica(
  client: KubeClient,
  namespace: string,
  options: Omit<AgentPortOptions, 'client' | 'namespace' | 'stores'> = {},
): Promise<Replica> {
  const stores = newStores();
  const abort = new AbortController();
  const follow = <T extends KubeObject>(resource: Resource<T>, store: Store<T>): Promise<void> =>
    new Reflector<T>({
      source: listWatchOf(client, resource, { namespace }),
      store,
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    }).run(abort.signal);
  const running = [
    follow(fleetResource, stores.fleets),
    follow(rolloutResource, stores.rollouts),
    follow(hostRolloutRecordResource, stores.records),
    follow(hostResource, stores.hosts),
  ];
  await Promise.all(Object.values(stores).map((store) => store.waitForSync()));
  const port = await startAgentPort({ ...options, client, namespace, stores });
  const freeze = async (): Promise<void> => {
    abort.abort();
    await Promise.all(running);
  };
  return Object.assign(Object.create(port) as AgentPort, {
    freeze,
    catchUp: () => caughtUp(client, namespace, stores),
    close: async () => {
      await port.close();
      await freeze();
    },
  });
}

async function caughtUp(
  client: KubeClient,
  namespace: string,
  stores: ReturnType<typeof newStores>,
): Promise<void> {
  await Promise.all([
    follows(client, namespace, fleetResource, stores.fleets),
    follows(client, namespace, rolloutResource, stores.rollouts),
    follows(client, namespace, hostRolloutRecordResource, stores.records),
    follows(client, namespace, hostResource, stores.hosts),
  ]);
}

async function follows<T extends KubeObject>(
  client: KubeClient,
  namespace: string,
  resource: Resource<T>,
  store: Store<T>,
): Promise<void> {
  const { items } = await client.list(resource, { namespace });
  const has = (): boolean =>
    items.every(
      ({ metadata }) =>
        store.get(`${namespace}/${metadata.name}`)?.metadata.resourceVersion === metadata.resourceVersion,
    );
  if (has()) return;
  await new Promise<void>((resolve) => {
    const unsubscribe = store.subscribe(() => {
      if (!has()) return;
      resolve();
      queueMicrotask(() => unsubscribe());
    });
  });
}
