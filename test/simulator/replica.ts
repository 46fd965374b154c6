import type { z } from 'zod';
import { LABEL_CONTENT } from '../../src/api/group.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import { startLeader } from '../../src/app/leader.ts';
import { ContentFault, ReleaseCache } from '../../src/controllers/content/release-cache.ts';
import {
  RECORD_INDEXERS,
  servedFleet,
  type ControllerContext,
  type Stores,
} from '../../src/controllers/context.ts';
import { noDomainMetrics } from '../../src/controllers/domain-metrics.ts';
import { DEFAULT_SETTINGS } from '../../src/controllers/settings.ts';
import { durationOr } from '../../src/core/duration.ts';
import { configMapResource } from '../../src/kube/blob-store.ts';
import { KubeError, NotLeaderError } from '../../src/kube/errors.ts';
import { gateWrites } from '../../src/kube/kube-client.ts';
import type { Logger } from '../../src/kube/logger.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';
import { noMetrics } from '../../src/kube/runtime-metrics.ts';
import { Store } from '../../src/kube/store.ts';
import type { AgentCall } from '../../src/webhook/agent-request.ts';
import type { Answer } from '../../src/webhook/answer.ts';
import { CoalescedRead } from '../../src/webhook/coalesced-read.ts';
import { DEFAULT_WEBHOOK_SETTINGS, type WebhookContext } from '../../src/webhook/context.ts';
import { HostQueue } from '../../src/webhook/host-queue.ts';
import { ParkedPolls } from '../../src/webhook/parked-polls.ts';
import { readLive } from '../../src/webhook/record-lookup.ts';
import type { HostRoute } from '../../src/webhook/route.ts';
import { dispatchRoute } from '../../src/webhook/routes/dispatch.ts';
import { eventsRoute } from '../../src/webhook/routes/events.ts';
import { heartbeatRoute } from '../../src/webhook/routes/heartbeat.ts';
import { noWebhookMetrics } from '../../src/webhook/webhook-metrics.ts';
import { EPOCH, SimProcess } from './sim-process.ts';
import type { EventLoop } from './event-loop.ts';
import type { Prng } from './prng.ts';
import { selects, type ApiChange, type SimApi } from './sim-api.ts';
import { SimClient, type ApiWeather } from './sim-client.ts';

export const NAMESPACE = 'fleet';
export const FLEET = 'lab';

/** What hosts ask for. */
export type AgentRoute = 'heartbeat' | 'events' | 'dispatch';

/** What a host sends, and what tells the webhook that it went away. */
export interface AgentMessage {
  readonly hostname: string;
  readonly route: AgentRoute;
  readonly body?: unknown;
  readonly query?: string;
  readonly gone: { value: boolean; readonly listeners: Set<() => void> };
}

/** What of a collection a replica follows. */
interface Stream {
  readonly plural: string;
  readonly select: string | undefined;
  readonly store: Store<KubeObject>;
  /** When the last change of it arrives. */
  last: number;
}

/** How a replica is set up. */
export interface ReplicaOptions {
  readonly loop: EventLoop;
  readonly api: SimApi;
  readonly name: string;
  readonly skewMs: number;
  readonly prng: Prng;
  readonly weather: ApiWeather;
  /** Milliseconds that the next change takes to reach a cache. */
  readonly watchLagMs: () => number;
  /** After how long everything is planned anew. */
  readonly planCheckMs: number;
  /** Told what the operator calls an error. */
  readonly onError: (text: string) => void;
}

/** One operator process: the real caches, controllers and routes on a simulated connection, clock and watch. */
export class Replica {
  readonly process: SimProcess;
  readonly stores: Stores;
  /** Whether it believes that it leads. */
  leading = false;
  /** Whether its Lease ran out, so that nothing it decides may be written any more. */
  lost = false;
  readonly #options: ReplicaOptions;
  readonly #routes: ReadonlyMap<AgentRoute, HostRoute>;
  readonly #streams: Stream[] = [];

  constructor(options: ReplicaOptions) {
    const { loop, api, name, skewMs } = options;
    this.#options = options;
    this.process = new SimProcess(loop, name, skewMs);
    this.stores = this.#createStores();
    const polls = new ParkedPolls(this.process.clock, () => undefined);
    const context = this.#webhookContext();
    const queue = new HostQueue(context.settings.hostQueueMax);
    this.#routes = new Map<AgentRoute, HostRoute>([
      ['heartbeat', heartbeatRoute(context, queue)],
      ['events', eventsRoute(context, queue)],
      ['dispatch', dispatchRoute(context, polls)],
    ]);
    // As the webhook wakes held polls (src/webhook/agent-webhook.ts).
    this.stores.records.subscribe((change) => {
      if (change.type !== 'deleted' && change.new.status?.dispatch !== undefined) {
        polls.wake(change.new.spec.hostname);
      }
    });
    this.stores.hosts.subscribe((change) => {
      if (change.type === 'updated' && change.old.status?.closure !== change.new.status?.closure) {
        polls.wake(change.new.spec.hostname);
      }
    });
    api.onChange((change) => this.#follow(change));
  }

  /** Answers a host as the agent port would, once its certificate was believed. */
  async handle({ hostname, route, body, query = '', gone }: AgentMessage): Promise<Answer> {
    const found = this.#routes.get(route);
    if (found === undefined) throw new Error(`no route ${route}`);
    const call: AgentCall = {
      parameter: '',
      query,
      json: async <Schema extends z.ZodType>(schema: Schema) => {
        const decoded = schema.safeParse(body);
        return decoded.success
          ? { ok: true as const, value: decoded.data }
          : { ok: false as const, answer: { status: 422 } };
      },
      get gone() {
        return gone.value;
      },
      onGone: (fn) => {
        gone.listeners.add(fn);
        return () => gone.listeners.delete(fn);
      },
    };
    return found.handle(call, { hostname, peer: peerOf(hostname) });
  }

  /** Starts the controllers, as a process does that has just got the Lease. */
  lead(): void {
    this.leading = true;
    const client = gateWrites(this.#client('leader'), () => {
      if (this.lost) throw new NotLeaderError('the Lease was lost');
    });
    const { clock } = this.process;
    const context: ControllerContext = {
      client,
      stores: this.stores,
      namespace: NAMESPACE,
      fleetName: FLEET,
      clock,
      random: () => this.#options.prng.next(),
      log: this.#logger({}),
      audit: this.#logger({}),
      events: { record: () => undefined },
      metrics: noDomainMetrics,
      settings: { ...DEFAULT_SETTINGS, planCheckMs: this.#options.planCheckMs },
      leadingSinceMs: clock.monotonicMillis(),
    };
    const releases = new ReleaseCache({
      client,
      namespace: NAMESPACE,
      configMaps: this.stores.configMaps,
      clock,
    });
    startLeader(context, releases, noMetrics);
  }

  #createStores(): Stores {
    const stores: Stores = {
      fleets: new Store(this.#storeOptions()),
      rollouts: new Store(this.#storeOptions()),
      records: new Store({
        ...this.#storeOptions(),
        indexers: RECORD_INDEXERS,
      }),
      hosts: new Store(this.#storeOptions()),
      quarantines: new Store(this.#storeOptions()),
      configMaps: new Store(this.#storeOptions()),
      contents: new Store(this.#storeOptions()),
    };
    this.#list(fleetResource, stores.fleets);
    this.#list(rolloutResource, stores.rollouts);
    this.#list(hostRolloutRecordResource, stores.records);
    this.#list(hostResource, stores.hosts);
    this.#list(quarantinedClosureResource, stores.quarantines);
    this.#list(configMapResource, stores.configMaps, `!${LABEL_CONTENT}`);
    this.#list<KubeObject>(configMapResource, stores.contents, LABEL_CONTENT);
    return stores;
  }

  #storeOptions() {
    return { onHandlerError: (error: unknown) => this.#options.onError(`store handler: ${String(error)}`) };
  }

  #list<T extends KubeObject>(resource: Resource<T>, store: Store<T>, select?: string): void {
    const { api } = this.#options;
    const items = api.list(resource, select === undefined ? {} : { labelSelector: select });
    store.applyList(items, api.version, store.beginList());
    const stream = { plural: resource.plural, select, store: store as unknown as Store<KubeObject>, last: 0 };
    this.#streams.push(stream);
  }

  /** Each collection is a stream of its own: in order, some time after the change. */
  #follow({ plural, type, object }: ApiChange): void {
    const stream = this.#streams.find(
      (known) => known.plural === plural && (known.select === undefined || selects(known.select, object)),
    );
    if (stream === undefined || !this.process.alive) return;
    const { loop, watchLagMs } = this.#options;
    stream.last = Math.max(stream.last, loop.now + watchLagMs());
    loop.schedule(stream.last - loop.now, this.process, () => stream.store.applyEvent(type, object));
  }

  #webhookContext(): WebhookContext {
    const client = this.#client('webhook');
    const rest = {
      client,
      stores: this.stores,
      namespace: NAMESPACE,
      fleetName: FLEET,
      clock: this.process.clock,
      random: () => this.#options.prng.next(),
      logger: this.#logger({}),
      audit: this.#logger({}),
      metrics: noWebhookMetrics,
      settings: {
        ...DEFAULT_WEBHOOK_SETTINGS,
        offlineAfterMs: () =>
          durationOr(
            servedFleet({ namespace: NAMESPACE, fleetName: FLEET, stores: this.stores })?.spec.offline.after,
            900_000,
          ),
      },
      release: () => undefined,
    };
    const fleet = new CoalescedRead(() => readLive(rest, fleetResource, FLEET));
    return { ...rest, liveFleet: () => fleet.get() };
  }

  #client(role: 'leader' | 'webhook'): SimClient {
    const { loop, api, weather } = this.#options;
    return new SimClient({ loop, api, process: this.process, weather, as: `${this.process.name}/${role}` });
  }

  #logger(fields: Record<string, unknown>): Logger {
    const silent = (): void => undefined;
    return {
      debug: silent,
      info: silent,
      warn: silent,
      error: (more, message) => {
        const { err, ...rest } = more as { err?: unknown };
        // A request without answer was the simulation's own doing.
        if (err instanceof KubeError && err.status === 0) return;
        // Nor is it an error that content which was thrown away has to be stored anew first.
        if (err instanceof ContentFault) return;
        const why = err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(err);
        this.#options.onError(`${message} ${JSON.stringify({ ...fields, ...rest })} ${why}`);
      },
      child: (more) => this.#logger({ ...fields, ...more }),
    };
  }
}

function peerOf(hostname: string) {
  return {
    commonName: `agent-${hostname}.fleet.example`,
    notBefore: EPOCH,
    notAfter: '2027-06-01T10:00:00Z' as typeof EPOCH,
    fingerprint: hostname,
  };
}
