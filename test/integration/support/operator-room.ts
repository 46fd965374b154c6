import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION } from '../../../src/api/group.ts';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import type { Host } from '../../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../../src/api/kinds/quarantined-closure.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../../src/api/kinds/resources.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { Operator } from '../../../src/app/operator.ts';
import { readOptions } from '../../../src/app/options.ts';
import { epochMillis, type Timestamp } from '../../../src/api/time.ts';
import type { ControllerSettings } from '../../../src/controllers/settings.ts';
import { newestRecord } from '../../../src/core/host/newest-record.ts';
import { mintServerCertificate } from '../../../src/dev/agent-ca.ts';
import { createCa, type PemPair } from '../../../src/dev/certificates.ts';
import { freePort } from '../../../src/dev/free-ports.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { LeapClock } from '../../support/leap-clock.ts';
import type { SmallFleet } from '../../support/small-fleet.ts';
import { clientOf } from '../../support/widgets.ts';
import { FLEET } from '../../support/agent-port.ts';
import { FleetSite, type FleetWish } from './fleet-site.ts';
import { HandHost } from './hand-host.ts';
import { adminKubeconfig, newNamespace } from './shared-cluster.ts';

/** How a room differs from an installation with every default. */
export interface OperatorRoomOptions {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  /** Members of the Fleet's spec. */
  readonly fleet?: FleetWish;
  readonly settings?: Partial<ControllerSettings>;
  /** What a log of errors may be silenced to where a test provokes them. */
  readonly logLevel?: string;
  /** When the room's time begins; now where absent. */
  readonly startAt?: Timestamp;
}

/**
 * A whole operator in this process, as main.ts runs it, on a real API server: informers, Lease, controllers and the
 * agent port over mTLS. Hosts and rollouts live by `clock`, which leaps.
 */
export class OperatorRoom {
  readonly clock: LeapClock;
  readonly namespace: string;
  readonly client: KubeClient;
  readonly agentCa: PemPair;
  readonly agentPort: number;
  readonly site: FleetSite;
  readonly #options: OperatorRoomOptions;
  readonly #kubeconfig: string;
  readonly #folder: string;
  readonly #hosts = new Map<string, HandHost>();
  #operator: Operator | undefined;
  #closed = false;

  private constructor(
    options: OperatorRoomOptions,
    place: { namespace: string; folder: string; port: number; ca: PemPair },
  ) {
    this.#options = options;
    this.clock = new LeapClock(options.startAt === undefined ? 0 : epochMillis(options.startAt) - Date.now());
    this.#kubeconfig = options.kubeconfig ?? adminKubeconfig();
    this.namespace = place.namespace;
    this.#folder = place.folder;
    this.agentPort = place.port;
    this.agentCa = place.ca;
    this.client = clientOf(this.#kubeconfig);
    this.site = new FleetSite(this.client, this.namespace, options.fleet);
  }

  /** Sets up trust, secrets and a running operator; no Fleet yet. */
  static async open(options: OperatorRoomOptions = {}): Promise<OperatorRoom> {
    const folder = await mkdtemp(join(tmpdir(), 'nixfleet-room-'));
    // On whatever day the room's time begins, its authority is in force.
    const ca = await createCa('nixfleet agents (room)', {
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2040-01-01'),
    });
    const server = await mintServerCertificate(ca);
    const namespace = options.namespace ?? (await newNamespace('room'));
    const room = new OperatorRoom(options, { namespace, folder, port: await freePort(), ca });
    await room.writeServerCertificate(server);
    await room.site.install(ca);
    await room.startOperator();
    return room;
  }

  /** Replaces the files of the certificate that agents see; a running operator notices by itself. */
  async writeServerCertificate({ certPem, keyPem }: PemPair): Promise<void> {
    await writeFile(join(this.#folder, 'server.pem'), certPem);
    await writeFile(join(this.#folder, 'server-key.pem'), keyPem);
  }

  /** Starts an operator; one that loses its Lease is started again, as Kubernetes would. */
  async startOperator(): Promise<void> {
    const options = readOptions(
      {
        kubeconfig: this.#kubeconfig,
        namespace: this.namespace,
        fleet: FLEET,
        'agent-listen': `127.0.0.1:${this.agentPort}`,
        'agent-tls-cert': join(this.#folder, 'server.pem'),
        'agent-tls-key': join(this.#folder, 'server-key.pem'),
        'health-listen': '127.0.0.1:0',
        'log-level': this.#options.logLevel ?? 'error',
        'status-interval': '50ms',
      },
      {},
    );
    const settings = { ...options.settings, verdictDelayMs: 50, ...this.#options.settings };
    const operator: Operator = new Operator(
      { ...options, settings },
      () => void this.#restart(operator),
      this.clock,
    );
    this.#operator = operator;
    await operator.start();
  }

  /** Asks the operator to end, as a rolling update does. */
  async stopOperator(): Promise<void> {
    const operator = this.#operator;
    this.#operator = undefined;
    await operator?.stop();
  }

  async #restart(lost: Operator): Promise<void> {
    if (this.#operator !== lost || this.#closed) return;
    this.#operator = undefined;
    await lost.stop();
    if (!this.#closed) await this.startOperator();
  }

  /** Signs a release and makes it the Fleet's source. */
  async publish(fleet: SmallFleet): Promise<void> {
    await this.site.publish(fleet, this.clock.now());
  }

  /** Publishes a release and brings its hosts, settled, onto the agent port. */
  async begin(fleet: SmallFleet, settled: readonly string[] = this.#namesOf(fleet)): Promise<void> {
    await this.publish(fleet);
    const hosts = await this.hosts(settled);
    await this.#untilHostsExist(settled);
    for (const host of hosts) await host.heartbeat();
    this.clock.leap(56_000);
    for (const host of hosts) await host.heartbeat();
  }

  /** A host that is moved by hand. */
  async host(name: string): Promise<HandHost> {
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, (host = await HandHost.join(this, name)));
    return host;
  }

  hosts(names: readonly string[]): Promise<HandHost[]> {
    return Promise.all(names.map((name) => this.host(name)));
  }

  fleet(): Promise<Fleet> {
    return this.client.get(fleetResource, { name: FLEET, namespace: this.namespace });
  }

  async rollouts(): Promise<readonly Rollout[]> {
    return (await this.client.list(rolloutResource, { namespace: this.namespace })).items;
  }

  /** The rollout of a channel that is not superseded. */
  async rollout(channel = 'stable'): Promise<Rollout | undefined> {
    const running = (await this.rollouts()).filter(({ spec }) => spec.channel === channel);
    return running.find(({ status }) => status?.state !== 'Superseded');
  }

  async records(): Promise<readonly HostRolloutRecord[]> {
    return (await this.client.list(hostRolloutRecordResource, { namespace: this.namespace })).items;
  }

  /** The newest record of a host. */
  async record(hostname: string): Promise<HostRolloutRecord | undefined> {
    return newestRecord((await this.records()).filter(({ spec }) => spec.hostname === hostname));
  }

  /** The gates that hold a host, in order. */
  async gates(hostname: string): Promise<string[]> {
    return ((await this.record(hostname))?.status?.blockedBy ?? []).map(({ gate }) => gate);
  }

  async state(hostname: string): Promise<string> {
    return (await this.record(hostname))?.status?.state ?? 'Pending';
  }

  async hostObjects(): Promise<readonly Host[]> {
    return (await this.client.list(hostResource, { namespace: this.namespace })).items;
  }

  async quarantines(): Promise<readonly QuarantinedClosure[]> {
    return (await this.client.list(quarantinedClosureResource, { namespace: this.namespace })).items;
  }

  /** Quarantines a closure by hand. */
  async quarantine(closure: string, channel = 'stable'): Promise<QuarantinedClosure> {
    return this.client.create<QuarantinedClosure>(quarantinedClosureResource, {
      apiVersion: API_VERSION,
      kind: 'QuarantinedClosure',
      metadata: { name: `by-hand-${channel}`, namespace: this.namespace },
      spec: {
        channel,
        closure,
        reason: 'does not boot',
        rolloutId: `${channel}@hand`,
        hostname: 'web-01',
        quarantinedAt: this.clock.now(),
      },
    });
  }

  /** Lifts a quarantine, as `kubectl delete nfq` does. */
  async lift(quarantine: QuarantinedClosure): Promise<void> {
    await this.client.delete(quarantinedClosureResource, quarantine.metadata);
  }

  /** Sets a Rollout's intent, as a person does. */
  async intend(intent: object, channel = 'stable'): Promise<void> {
    const rollout = await this.rollout(channel);
    if (rollout === undefined) throw new Error(`channel ${channel} has no rollout`);
    await this.client.mergePatch(rolloutResource, rollout.metadata, { spec: { intent } });
  }

  /** Changes members of the Fleet's spec. */
  async setFleet(spec: object): Promise<void> {
    await this.client.mergePatch(fleetResource, { name: FLEET, namespace: this.namespace }, { spec });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const host of this.#hosts.values()) host.close();
    await this.stopOperator();
    await this.client.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #namesOf({ channels }: SmallFleet): string[] {
    return Object.values(channels).flatMap(({ waves, unstaged = [] }) => [...waves.flat(), ...unstaged]);
  }

  async #untilHostsExist(names: readonly string[]): Promise<void> {
    for (;;) {
      const known = new Set((await this.hostObjects()).map(({ spec }) => spec.hostname));
      const open = (await this.rollouts()).every(({ status }) => (status?.state ?? 'Opening') !== 'Opening');
      if (names.every((name) => known.has(name)) && open) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
