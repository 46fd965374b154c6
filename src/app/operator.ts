import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ReleaseCache } from '../controllers/content/release-cache.ts';
import { SideDocuments } from '../controllers/side-documents/side-documents.ts';
import type { ControllerContext } from '../controllers/context.ts';
import type { DomainMetrics } from '../controllers/domain-metrics.ts';
import { systemClock, type Clock } from '../kube/clock.ts';
import { connect } from '../kube/connect.ts';
import { loadKubeConfig } from '../kube/credentials.ts';
import type { EventRecorder } from '../kube/events.ts';
import { gateWrites, type KubeClient } from '../kube/kube-client.ts';
import { LeaderElector } from '../kube/leader-election.ts';
import type { RuntimeMetrics } from '../kube/runtime-metrics.ts';
import { keyOfRef } from '../kube/resource.ts';
import { withinLimit } from '../kube/within-limit.ts';
import type { WorkQueue } from '../kube/work-queue.ts';
import type { HealthServer } from '../telemetry/health-server.ts';
import { registerKubeMetrics } from '../telemetry/kube-metrics.ts';
import { createLogger, type RootLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import {
  monitorEventLoop,
  registerProcessMetrics,
  type EventLoopMonitor,
} from '../telemetry/process-metrics.ts';
import { noTracing, type Tracing } from '../telemetry/tracing.ts';
import { admissionOf } from './admission.ts';
import { AgentPort } from './agent-port.ts';
import { registerCertificateMetrics } from './certificate-metrics.ts';
import { registerFleetMetrics } from './fleet-metrics.ts';
import { startHealth } from './health.ts';
import { createInformers, type Informers } from './informers.ts';
import { startLeader, type Leader } from './leader.ts';
import { registerDomainMetrics, registerWebhookMetrics } from './metrics.ts';
import type { Admission } from '../webhook/admission.ts';
import type { OperatorOptions } from './options.ts';
import { createRecorder } from './recorder.ts';
import { ReleaseInForce } from './release-in-force.ts';

const DRAIN_MS = 10_000;
const EVENTS_IDLE_MS = 1_000;
const SPANS_SENT_MS = 2_000;
/** Name of the Lease; one per namespace, as one Fleet is served per namespace. */
const LEASE = 'nixfleet-operator';

/**
 * One operator process. `start` resolves when it serves; `stop` drains in the order that loses nothing: not ready any
 * more, agents sent elsewhere, work under way finished, Events sent, the Lease released, connections closed.
 */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #clock: Clock;
  readonly #log: RootLogger;
  readonly #tracing: Tracing;
  readonly #metrics = new Metrics();
  readonly #loop: EventLoopMonitor = monitorEventLoop();
  readonly #runtimeMetrics: RuntimeMetrics;
  readonly #domainMetrics: DomainMetrics;
  readonly #identity = `${hostname()}_${randomUUID()}`;
  readonly #following = new AbortController();
  readonly #campaign = new AbortController();
  readonly #client: KubeClient;
  readonly #leaseClient: KubeClient;
  readonly #informers: Informers;
  readonly #releases: ReleaseCache;
  readonly #inForce: ReleaseInForce;
  readonly #documents: SideDocuments;
  #portEvents: EventRecorder | undefined;
  #state: 'starting' | 'serving' | 'draining' | 'stopped' = 'starting';
  #leader: Leader | undefined;
  #election: Promise<void> | undefined;
  #events: EventRecorder | undefined;
  #port: AgentPort | undefined;
  #health: HealthServer | undefined;
  readonly #onLost: (reason: string) => void;

  /**
   * `onLost` is called when leadership is lost; the process must end then, because its writes may be late. `clock` is
   * what everything about hosts and rollouts goes by; connections and the Lease always live in this machine's time.
   */
  constructor(
    options: OperatorOptions,
    onLost: (reason: string) => void,
    clock: Clock = systemClock,
    tracing: Tracing = noTracing,
  ) {
    this.#options = options;
    this.#onLost = onLost;
    this.#clock = clock;
    this.#tracing = tracing;
    this.#log = createLogger({ level: options.logLevel, workFields: () => tracing.ids() });
    tracing.reportTo(this.#log);
    this.#runtimeMetrics = registerKubeMetrics(this.#metrics, () => this.#queues());
    this.#domainMetrics = registerDomainMetrics(this.#metrics);
    registerProcessMetrics(this.#metrics, this.#loop);
    const connection = {
      config: loadKubeConfig(options.kubeconfig, process.env),
      clock: systemClock,
      random: Math.random,
      metrics: this.#runtimeMetrics,
    };
    const { tracer } = tracing;
    this.#client = connect({ ...connection, tracer });
    // The Lease is renewed over connections of its own: behind a burst of writes it would be lost.
    this.#leaseClient = connect({ ...connection, connections: 2 });
    this.#informers = createInformers(
      {
        client: this.#client,
        clock: systemClock,
        random: Math.random,
        log: this.#log,
        metrics: this.#runtimeMetrics,
      },
      options.namespace,
    );
    const { namespace, fleetName } = options;
    if (options.roles.has('controller')) {
      const { stores } = this.#informers;
      registerFleetMetrics(this.#metrics, { stores, namespace, fleetName, now: () => clock.now() });
    }
    this.#releases = new ReleaseCache({
      client: this.#client,
      namespace,
      configMaps: this.#informers.stores.configMaps,
      clock,
      tracer,
    });
    this.#documents = new SideDocuments({
      client: this.#client,
      stores: this.#informers.stores,
      fleetKey: keyOfRef({ namespace, name: options.fleetName }),
      clock,
      log: this.#log,
    });
    this.#inForce = new ReleaseInForce({
      releases: this.#releases,
      stores: this.#informers.stores,
      fleetKey: keyOfRef({ namespace, name: options.fleetName }),
      clock,
      log: this.#log,
    });
  }

  get log(): RootLogger {
    return this.#log;
  }

  /** Where agents connect; undefined without the webhook role or before it listens. */
  get agentAddress(): AgentPort['address'] {
    return this.#port?.address;
  }

  /** Rejects where a port cannot be bound or a file not be read; waits for an API server that is not there. */
  async start(): Promise<void> {
    const options = this.#options;
    this.#health = await startHealth({
      listen: options.healthListen,
      metrics: this.#metrics,
      loop: this.#loop,
      queues: () => this.#queues(),
      caches: this.#informers.check,
      state: () => this.#state,
    });
    void this.#informers.run(this.#following.signal);
    await this.#informers.waitForSync(this.#following.signal);
    // Agents are told to wait until the documents are there; nobody else has to.
    void this.#documents.start();
    if (options.roles.has('webhook')) await this.#startWebhook();
    if (options.roles.has('controller')) this.#election = this.#elector().run(this.#campaign.signal);
    this.#state = 'serving';
    const { namespace, fleetName, roles } = options;
    this.#log.info(
      {
        namespace,
        fleet: fleetName,
        roles: [...roles],
        agents: this.agentAddress,
        healthPort: this.#health.port,
      },
      'serving',
    );
  }

  /** Drains and ends; a second call does nothing. */
  async stop(): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    this.#state = 'draining';
    this.#log.info({}, 'draining');
    const closed = this.#port?.close();
    await this.#leader?.stop(DRAIN_MS);
    // The next leader waits for nothing but this.
    this.#campaign.abort(new DOMException('the operator stops', 'AbortError'));
    await Promise.all([this.#election, closed]);
    for (const events of [this.#events, this.#portEvents]) {
      if (events === undefined) continue;
      await withinLimit(systemClock, events.idle(), EVENTS_IDLE_MS);
      events.stop();
    }
    this.#inForce.stop();
    this.#documents.stop();
    this.#following.abort(new DOMException('the operator stops', 'AbortError'));
    await Promise.all([this.#client.close(), this.#leaseClient.close()]);
    await withinLimit(systemClock, this.#tracing.stop(), SPANS_SENT_MS);
    await this.#health?.close();
    this.#loop.stop();
    this.#state = 'stopped';
    this.#log.info({}, 'stopped');
  }

  async #startWebhook(): Promise<void> {
    const { agentTls } = this.#options;
    if (agentTls === undefined) return;
    registerCertificateMetrics(this.#metrics, () => this.#port?.tls);
    this.#port = new AgentPort({
      options: this.#options,
      files: agentTls,
      client: this.#client,
      stores: this.#informers.stores,
      clock: this.#clock,
      random: Math.random,
      log: this.#log,
      audit: this.#log.audit,
      metrics: registerWebhookMetrics(this.#metrics),
      tracer: this.#tracing.tracer,
      release: () => this.#inForce.view(),
      admission: (authority) => this.#admission(authority),
    });
    await this.#port.listen();
  }

  #elector(): LeaderElector {
    const { lease, namespace } = this.#options;
    const elector: LeaderElector = new LeaderElector({
      ...lease,
      client: this.#leaseClient,
      clock: systemClock,
      random: Math.random,
      log: this.#log,
      metrics: this.#runtimeMetrics,
      lease: { namespace, name: LEASE },
      identity: this.#identity,
      onStarted: () => {
        this.#leader = startLeader(
          this.#context(elector),
          this.#releases,
          this.#runtimeMetrics,
          this.#documents,
        );
      },
      onLost: this.#onLost,
    });
    return elector;
  }

  #context(elector: LeaderElector): ControllerContext {
    const client = gateWrites(this.#client, () => elector.assertLeader());
    // What a leader that ends has to tell may be told after it has let go of the Lease.
    const tell = (): void => (this.#state === 'draining' ? undefined : elector.assertLeader());
    this.#events = this.#recorder(gateWrites(this.#client, tell));
    return {
      client,
      stores: this.#informers.stores,
      namespace: this.#options.namespace,
      fleetName: this.#options.fleetName,
      clock: this.#clock,
      random: Math.random,
      log: this.#log,
      audit: this.#log.audit,
      events: this.#events,
      metrics: this.#domainMetrics,
      tracer: this.#tracing.tracer,
      settings: this.#options.settings,
      leadingSinceMs: this.#clock.monotonicMillis(),
    };
  }

  #admission(authority: Admission['authority']): Admission {
    this.#portEvents = this.#recorder(this.#client);
    return admissionOf({
      namespace: this.#options.namespace,
      fleetName: this.#options.fleetName,
      stores: this.#informers.stores,
      burnedNonces: this.#informers.burnedNonces,
      documents: this.#documents,
      declaredHosts: () => this.#inForce.declaredHosts(),
      authority,
      events: this.#portEvents,
    });
  }

  #recorder(client: KubeClient): EventRecorder {
    const { tracer } = this.#tracing;
    const metrics = this.#runtimeMetrics;
    return createRecorder({ client, log: this.#log, metrics, tracer, identity: this.#identity });
  }

  #queues(): readonly WorkQueue[] {
    return this.#leader?.queues ?? [];
  }
}
