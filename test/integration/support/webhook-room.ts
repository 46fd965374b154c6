import { timestampFromMillis, type Timestamp } from '../../../src/api/time.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { WireHost } from '../../support/agent-port.ts';
import { FleetObjects } from '../../support/fleet-objects.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { clientOf } from '../../support/widgets.ts';
import { startReplica, type Replica } from './replica.ts';
import { adminKubeconfig, newNamespace } from './shared-cluster.ts';

/** When the marks of the tests were queued. */
export const QUEUED = '2026-06-01T10:00:00Z' as Timestamp;

/** A namespace with replicas of the webhook on the real API server; its objects are made by hand, as the leader would. */
export class WebhookRoom {
  readonly client: KubeClient;
  readonly objects: FleetObjects;
  readonly clock = new ManualClock(timestampFromMillis(Math.floor(Date.now() / 1000) * 1000));
  readonly #ca: PemPair;
  readonly #open: { close(): Promise<void> | void }[] = [];
  #begun: { readonly replica: Replica; readonly host: WireHost } | undefined;

  private constructor(client: KubeClient, namespace: string, ca: PemPair) {
    this.client = client;
    this.objects = new FleetObjects(client, namespace);
    this.#ca = ca;
  }

  static async open(prefix: string): Promise<WebhookRoom> {
    return new WebhookRoom(clientOf(adminKubeconfig()), await newNamespace(prefix), await createAgentCa());
  }

  /** Starts the replica that the test is about. */
  async begin(): Promise<void> {
    this.#begun = await this.start();
  }

  /** Starts a replica whose cache is in sync, and web-01 at it. */
  async start(): Promise<{ readonly replica: Replica; readonly host: WireHost }> {
    const { client, clock, objects } = this;
    const replica = await startReplica(client, objects.namespace, { ca: this.#ca, clock });
    this.#open.push(replica);
    const host = await WireHost.of(replica, 'web-01');
    this.#open.push(host);
    return { replica, host };
  }

  get replica(): Replica {
    return this.#it().replica;
  }

  /** The host at that replica. */
  get web01(): WireHost {
    return this.#it().host;
  }

  /** Ends what was started. */
  async close(): Promise<void> {
    for (const item of this.#open.splice(0).toReversed()) await item.close();
    await this.client.close();
  }

  #it(): { readonly replica: Replica; readonly host: WireHost } {
    if (this.#begun === undefined) throw new Error('call begin() first');
    return this.#begun;
  }
}
