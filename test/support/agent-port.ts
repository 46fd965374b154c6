import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import {
  createAgentCa,
  mintAgentCertificate,
  mintServerCertificate,
  type AgentCertificateRequest,
} from '../../src/dev/agent-ca.ts';
import type { PemPair } from '../../src/dev/certificates.ts';
import { systemClock, type Clock } from '../../src/kube/clock.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { silentLogger, type Logger } from '../../src/kube/logger.ts';
import { Store } from '../../src/kube/store.ts';
import type { Tracer } from '../../src/kube/tracer.ts';
import { createAgentWebhook, type AgentWebhook } from '../../src/webhook/agent-webhook.ts';
import {
  DEFAULT_WEBHOOK_SETTINGS,
  RECORDS_BY_HOST,
  type WebhookSettings,
} from '../../src/webhook/context.ts';
import type { Admission } from '../../src/webhook/admission.ts';
import type { ReleaseView } from '../../src/webhook/release-view.ts';
import { noWebhookMetrics, type WebhookMetrics } from '../../src/webhook/webhook-metrics.ts';

export const SUFFIX = 'fleet.example';
export const FLEET = 'lab';

/** The stores of one replica, to be filled by informers or by hand. */
export function newStores() {
  return {
    fleets: new Store<Fleet>({ freeze: true }),
    rollouts: new Store<Rollout>({ freeze: true }),
    records: new Store<HostRolloutRecord>({
      freeze: true,
      indexers: { [RECORDS_BY_HOST]: ({ spec }) => [spec.hostRef] },
    }),
    hosts: new Store<Host>({ freeze: true }),
  };
}

export type TestStores = ReturnType<typeof newStores>;

/** A release of made-up bytes. */
export const someRelease: ReleaseView = {
  fleetText: Buffer.from('{"exact":  "bytes"}\n'),
  fleetSignature: Buffer.alloc(64, 7),
  manifest: (rolloutId) =>
    Promise.resolve(
      rolloutId === 'stable@a1b2c3'
        ? { bytes: Buffer.from(`{"manifest of": "${rolloutId}"}`), signature: Buffer.alloc(64, 9) }
        : undefined,
    ),
};

export interface AgentPortOptions {
  readonly client: KubeClient;
  readonly namespace?: string;
  readonly stores?: TestStores;
  readonly clock?: Clock;
  readonly settings?: Partial<WebhookSettings>;
  readonly release?: () => ReleaseView | undefined;
  readonly metrics?: Partial<WebhookMetrics>;
  readonly admission?: Admission;
  readonly audit?: Logger;
  readonly logger?: Logger;
  readonly tracer?: Tracer;
  /** The authority of server and agents; a new one where absent. */
  readonly ca?: PemPair;
}

/** A listening agent webhook and what it counted. */
export interface AgentPort {
  readonly webhook: AgentWebhook;
  readonly port: number;
  readonly ca: PemPair;
  readonly stores: TestStores;
  readonly drops: string[];
  readonly refusedConnections: string[];
  parked: number;
  close(): Promise<void>;
}

/** Starts a webhook on a free loopback port. */
export async function startAgentPort(options: AgentPortOptions): Promise<AgentPort> {
  const ca = options.ca ?? (await createAgentCa());
  const server = await mintServerCertificate(ca);
  const stores = options.stores ?? newStores();
  const drops: string[] = [];
  const refusedConnections: string[] = [];
  const counts = { parked: 0 };
  const webhook = createAgentWebhook({
    client: options.client,
    stores,
    namespace: options.namespace ?? 'default',
    fleetName: FLEET,
    clock: options.clock ?? systemClock,
    random: () => 0.5,
    logger: options.logger ?? silentLogger,
    audit: options.audit ?? silentLogger,
    admission: options.admission,
    tracer: options.tracer,
    metrics: {
      ...noWebhookMetrics,
      dropped: (_route, reason) => void drops.push(reason),
      connectionRefused: (reason) => void refusedConnections.push(reason),
      parkedPolls: (count) => void (counts.parked = count),
      ...options.metrics,
    },
    settings: { ...DEFAULT_WEBHOOK_SETTINGS, ...options.settings },
    release: options.release ?? (() => someRelease),
    tls: { cert: server.certPem, key: server.keyPem, clientCa: ca.certPem },
  });
  await webhook.listen(0, '127.0.0.1');
  return {
    webhook,
    port: webhook.address?.port ?? 0,
    ca,
    stores,
    drops,
    refusedConnections,
    get parked() {
      return counts.parked;
    },
    close: () => webhook.close(),
  };
}

/** An answer with its whole body. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A host at the other end of the wire, with one certificate or none. */
export class WireHost {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, caPem: string, certificate?: PemPair) {
    this.#port = port;
    this.#agent = new Agent({
      keepAlive: true,
      ca: caPem,
      servername: 'localhost',
      ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
    });
  }

  /** A host with a valid certificate of the port's authority. */
  static async of(
    port: Pick<AgentPort, 'port' | 'ca'>,
    machineId: string,
    request: Partial<AgentCertificateRequest> = {},
  ): Promise<WireHost> {
    const certificate = await mintAgentCertificate(port.ca, { machineId, suffix: SUFFIX, ...request });
    return new WireHost(port.port, port.ca.certPem, certificate);
  }

  get(path: string, headers: Record<string, string> = {}): Promise<WireAnswer> {
    return this.send({ method: 'GET', path, headers });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<WireAnswer> {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.send(
      { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers } },
      text,
    );
  }

  /** Rejects where the connection fails. */
  send(options: RequestOptions, body?: string | Buffer): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest({ host: '127.0.0.1', port: this.#port, agent: this.#agent, ...options });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('latin1'),
          }),
        );
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
