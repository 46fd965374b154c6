import { addMillis, timestampFromMillis } from '../../../src/api/time.ts';
import type { BootstrapToken } from '../../../src/api/wire/enroll.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import { configMapResource, type ConfigMap } from '../../../src/kube/blob-store.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import { WireHost, type WireAnswer } from '../../support/agent-port.ts';
import {
  newEnrolmentScene,
  newHostKey,
  type EnrolmentScene,
  type TestHost,
} from '../../support/enrolment.ts';
import { FleetObjects } from '../../support/fleet-objects.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { clientOf } from '../../support/widgets.ts';
import { startReplica, type Replica } from './replica.ts';
import { adminKubeconfig, newNamespace } from './shared-cluster.ts';

const HOUR_MS = 3_600_000;

/** Replicas of the agent port on the shared API server, with one declared host that has not enrolled. */
export class EnrolmentRoom {
  readonly client: KubeClient;
  readonly ca: PemPair;
  readonly namespace: string;
  readonly clock: ManualClock;
  readonly scene: EnrolmentScene;
  readonly web01: TestHost;
  readonly audit: object[] = [];
  readonly #open: { close(): Promise<void> | void }[] = [];
  #replica: Replica | undefined;

  private constructor(client: KubeClient, ca: PemPair, namespace: string) {
    this.client = client;
    this.ca = ca;
    this.namespace = namespace;
    // TLS goes by the machine’s clock: what is issued a little later here must be valid there already.
    this.clock = new ManualClock(timestampFromMillis(Date.now() - 60_000));
    const now = this.clock.now();
    this.scene = newEnrolmentScene(ca, { from: addMillis(now, -HOUR_MS), until: addMillis(now, HOUR_MS) });
    this.web01 = newHostKey('web-01');
    this.scene.hosts.set('web-01', { pubkey: this.web01.pubkey });
  }

  static async open(): Promise<EnrolmentRoom> {
    const namespace = await newNamespace('enrolment');
    const room = new EnrolmentRoom(clientOf(adminKubeconfig()), await createAgentCa(), namespace);
    const objects = new FleetObjects(room.client, namespace);
    await objects.fleet();
    await objects.host();
    room.#replica = await room.newReplica();
    return room;
  }

  get replica(): Replica {
    if (this.#replica === undefined) throw new Error('the room is not open');
    return this.#replica;
  }

  /** One more replica, perhaps with a client that fails. */
  async newReplica(through: KubeClient = this.client): Promise<Replica> {
    const log: Logger = {
      ...silentLogger,
      info: (fields) => void this.audit.push(fields),
      warn: (fields) => void this.audit.push(fields),
    };
    const { ca, clock, scene } = this;
    const options = { ca, clock, admission: scene.admission, audit: log };
    const started = await startReplica(through, this.namespace, options);
    this.#open.push(started);
    return started;
  }

  /** Somebody at the other end of a connection, with a certificate or none. */
  wire(certificate?: PemPair, at: Replica = this.replica): WireHost {
    const host = new WireHost(at.port, this.ca.certPem, certificate);
    this.#open.push(host);
    return host;
  }

  ask(token: BootstrapToken, csrPem: string, at: Replica = this.replica): Promise<WireAnswer> {
    return this.wire(undefined, at).post('/v1/enroll', { token, csrPem });
  }

  /** Enrols web-01; the connection that its certificate gives it. */
  async enrolled(): Promise<WireHost> {
    const { certPem } = certificateIn(await this.ask(this.scene.token(this.web01), await this.web01.csr()));
    return this.wire({ certPem, keyPem: this.web01.key.keyPem });
  }

  async burned(): Promise<readonly ConfigMap[]> {
    const labelSelector = 'nixfleet.dev/burned-nonce';
    return (await this.client.list(configMapResource, { namespace: this.namespace, labelSelector })).items;
  }

  async close(): Promise<void> {
    for (const item of this.#open.splice(0).toReversed()) await item.close();
    await this.client.close();
  }
}

/** The body of an answer with a certificate. */
export function certificateIn({ body }: WireAnswer): { readonly certPem: string; readonly notAfter: string } {
  return JSON.parse(body) as { certPem: string; notAfter: string };
}
