import type { Clock } from './clock.ts';
import type { KubeClient } from './kube-client.ts';
import { listWatchOf, type ListWatch, type Selection } from './list-watch.ts';
import type { Logger } from './logger.ts';
import { Reflector } from './reflector.ts';
import type { KubeObject, Resource } from './resource.ts';
import type { RuntimeMetrics } from './runtime-metrics.ts';
import type { Indexer } from './store-index.ts';
import { Store } from './store.ts';

/** What all informers of a process share. */
export interface InformerContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly metrics?: RuntimeMetrics;
  /** Deep-freezes cached objects (tests). */
  readonly freeze?: boolean;
}

/** Which objects an informer follows and how they are found. */
export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly indexers?: Readonly<Record<string, Indexer<T>>>;
  /** Where the collection is read from instead of the API server (tests). */
  readonly source?: ListWatch<T>;
}

/** A store that follows one collection of the API server. Subscribe through `store`. */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  readonly #reflector: Reflector<T>;

  constructor(context: InformerContext, resource: Resource<T>, options: InformerOptions<T>) {
    const log = context.log.child({ resource: resource.plural });
    this.resource = resource;
    this.store = new Store<T>({
      ...(options.indexers && { indexers: options.indexers }),
      freeze: context.freeze ?? false,
      onHandlerError: (err) => log.error({ err }, 'a store handler failed'),
    });
    this.#reflector = new Reflector<T>({
      source: options.source ?? listWatchOf(context.client, resource, options),
      store: this.store,
      clock: context.clock,
      random: context.random,
      log,
      ...(context.metrics && { metrics: context.metrics }),
    });
  }

  /** Follows the collection until the signal aborts; never rejects. Call once. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }
}
