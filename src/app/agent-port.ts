import { readFile } from 'node:fs/promises';
import { durationOr } from '../core/duration.ts';
import { servedFleet, type Stores } from '../controllers/context.ts';
import type { Clock, Timer } from '../kube/clock.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Logger } from '../kube/logger.ts';
import type { Tracer } from '../kube/tracer.ts';
import type { Admission } from '../webhook/admission.ts';
import { createAgentWebhook, type AgentWebhook } from '../webhook/agent-webhook.ts';
import { AuthorityFault, CertificateAuthority, type AuthorityPem } from '../webhook/certificate-authority.ts';
import { DEFAULT_WEBHOOK_SETTINGS } from '../webhook/context.ts';
import type { ReleaseView } from '../webhook/release-view.ts';
import type { AgentTls } from '../webhook/server.ts';
import type { WebhookMetrics } from '../webhook/webhook-metrics.ts';
import { readClientCas } from './client-cas.ts';
import type { OperatorOptions, ServerCertificateFiles } from './options.ts';

/** Certificates are looked at this often, besides every change of the Fleet. */
const REFRESH_MS = 60_000;
const OFFLINE_AFTER_MS = 15 * 60_000;

/** What the agent port is made of. */
export interface AgentPortOptions {
  readonly options: OperatorOptions;
  readonly files: ServerCertificateFiles;
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly audit: Logger;
  readonly metrics: WebhookMetrics;
  readonly tracer: Tracer;
  readonly release: () => ReleaseView | undefined;
  /** Whom the port lets in; the port itself knows the authority. */
  readonly admission: (authority: Admission['authority']) => Admission;
}

/** The agent webhook with certificates that follow their files, Secret and ConfigMap without a restart. */
export class AgentPort {
  readonly #wiring: AgentPortOptions;
  #webhook: AgentWebhook | undefined;
  #tls: AgentTls | undefined;
  #issuing: AuthorityPem | undefined;
  #authority: ReturnType<Admission['authority']> = {
    fault: 'the CA of spec.agents.caSecretRef is not read yet',
  };
  #timer: Timer | undefined;
  #reported = '';
  #refreshing = false;
  #unsubscribe: () => void = () => undefined;

  constructor(wiring: AgentPortOptions) {
    this.#wiring = wiring;
  }

  /** Where it listens; undefined when it does not. */
  get address(): AgentWebhook['address'] {
    return this.#webhook?.address;
  }

  /** The certificates it works with now; undefined before it listens. */
  get tls(): AgentTls | undefined {
    return this.#tls;
  }

  /** Rejects where the certificate files cannot be read or the port cannot be bound. */
  async listen(): Promise<void> {
    const { options, stores } = this.#wiring;
    this.#tls = await this.#read();
    this.#webhook = createAgentWebhook(this.#webhookOptions(this.#tls));
    await this.#webhook.listen(options.agentListen.port, options.agentListen.host);
    this.#unsubscribe = stores.fleets.subscribe(() => void this.#refresh());
    this.#schedule();
  }

  /** Answers held polls and closes. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#timer?.cancel();
    await this.#webhook?.close();
  }

  #webhookOptions(tls: AgentTls): Parameters<typeof createAgentWebhook>[0] {
    const { options, client, stores, clock, random, log, audit, metrics, tracer, release, admission } =
      this.#wiring;
    const { namespace, fleetName, settings, limits, pollMaxSeconds } = options;
    return {
      client,
      stores,
      namespace,
      fleetName,
      clock,
      random,
      logger: log.child({ room: 'webhook' }),
      audit,
      metrics,
      tracer,
      release,
      admission: admission(() => this.#authority),
      tls,
      settings: {
        ...DEFAULT_WEBHOOK_SETTINGS,
        ...limits,
        redeliverAfterMs: settings.redeliverAfterMs,
        toldAfterMs: settings.toldAfterMs,
        settleMinGapMs: settings.settleGapMs,
        pollMaxSeconds,
        offlineAfterMs: () => durationOr(this.#fleet()?.spec.offline.after, OFFLINE_AFTER_MS),
      },
    };
  }

  #fleet(): ReturnType<typeof servedFleet> {
    return servedFleet({ ...this.#wiring.options, stores: this.#wiring.stores });
  }

  async #read(): Promise<AgentTls> {
    const { files, client, stores, log } = this.#wiring;
    const [cert, key] = await Promise.all([
      readFile(files.certFile, 'utf8'),
      readFile(files.keyFile, 'utf8'),
    ]);
    const fleet = this.#fleet();
    const cas = fleet === undefined ? undefined : await readClientCas(client, fleet, stores.configMaps);
    this.#openAuthority(cas?.issuing);
    const faults = 'fault' in this.#authority ? [this.#authority.fault] : [];
    const problems = [...(cas?.problems ?? []), ...faults].join('; ');
    if (problems !== this.#reported) {
      this.#reported = problems;
      if (problems !== '') log.warn({ problems }, 'agents cannot be let in, or not be given certificates');
    }
    // Until the agents' CA is known nobody is let in: only the holder of the server's own key could be, and that is us.
    return { cert, key, clientCa: cas === undefined || cas.pem === '' ? cert : cas.pem };
  }

  #openAuthority(issuing: AuthorityPem | undefined): void {
    const same = issuing?.certPem === this.#issuing?.certPem && issuing?.keyPem === this.#issuing?.keyPem;
    if (same && issuing !== undefined) return;
    this.#issuing = issuing;
    if (issuing === undefined) {
      this.#authority = {
        fault: 'the Secret of spec.agents.caSecretRef has no tls.crt and tls.key: create it',
      };
      return;
    }
    try {
      this.#authority = CertificateAuthority.open(issuing);
    } catch (error) {
      if (!(error instanceof AuthorityFault)) throw error;
      this.#authority = { fault: `spec.agents.caSecretRef: ${error.message}` };
    }
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      const tls = await this.#read();
      const old = this.#tls;
      if (tls.cert !== old?.cert || tls.key !== old.key || tls.clientCa !== old.clientCa) {
        this.#webhook?.updateTls(tls);
        this.#tls = tls;
        this.#wiring.log.info({}, 'the certificates of the agent port changed');
      }
    } catch (error) {
      this.#wiring.log.warn(
        { err: error },
        'the certificates of the agent port cannot be read, the former ones stay',
      );
    } finally {
      this.#refreshing = false;
    }
  }

  #schedule(): void {
    this.#timer = this.#wiring.clock.setTimer(REFRESH_MS, () => {
      void this.#refresh();
      this.#schedule();
    });
  }
}
