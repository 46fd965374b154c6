import type { Fleet, FleetStatus } from '../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../src/api/kinds/host.ts';
import type {
  HostRolloutRecord,
  HostRolloutRecordSpec,
  HostRolloutRecordStatus,
} from '../../src/api/kinds/host-rollout-record.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import type { Rollout, RolloutStatus } from '../../src/api/kinds/rollout.ts';
import type { Timestamp } from '../../src/api/time.ts';
import { recordName, rolloutName } from '../../src/core/naming.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { fleetSpec } from './fleet-spec.ts';

export const REF = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
export const ROLLOUT_ID = `stable@${REF}`;
export const TARGET = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
export const PRIOR = '0000000000000000000000000000000p-nixos-system-web-01-26.05';
const OPENED = '2026-06-01T09:58:00Z' as Timestamp;

/** Makes the objects that the leader would make, on a real API server. */
export class FleetObjects {
  readonly client: KubeClient;
  readonly namespace: string;

  constructor(client: KubeClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
  }

  /** The Fleet `lab` with this status. */
  async fleet(status: FleetStatus = { term: 1 }): Promise<Fleet> {
    const created = await this.client.create(fleetResource, {
      ...this.#head('Fleet', 'lab'),
      spec: fleetSpec,
    });
    return this.client.replaceStatus(fleetResource, { ...created, status });
  }

  /** Replaces some members of the Fleet's status. */
  async setFleet(status: FleetStatus): Promise<void> {
    const ref = { namespace: this.namespace, name: 'lab' };
    await this.client.mergePatch(fleetResource, ref, { status }, { subresource: 'status' });
  }

  /** A Rollout of the id; resolves to its name. */
  async rollout(
    state: RolloutStatus['state'] = 'Active',
    attempt = 1,
    rolloutId = ROLLOUT_ID,
  ): Promise<string> {
    const [channel = '', channelRef = ''] = rolloutId.split('@');
    const name = rolloutName(rolloutId, attempt);
    const created = await this.client.create<Rollout>(rolloutResource, {
      ...this.#head('Rollout', name),
      spec: {
        rolloutId,
        channel,
        channelRef,
        attempt,
        fleetRef: 'lab',
        hostCount: 1,
        hostSetHash: 'x',
        waves: 1,
        onHealthFailure: 'rollback-and-halt',
        budgets: [],
        intent: { hold: 'None', retry: [] },
      },
    });
    await this.client.replaceStatus(rolloutResource, { ...created, status: { state, currentWave: 0 } });
    return name;
  }

  /** A record of web-01 in that Rollout. */
  async record(
    rolloutRef: string,
    status: Partial<HostRolloutRecordStatus> = {},
    spec: Partial<HostRolloutRecordSpec> = {},
  ): Promise<HostRolloutRecord> {
    const hostname = spec.hostname ?? 'web-01';
    const created = await this.client.create<HostRolloutRecord>(hostRolloutRecordResource, {
      ...this.#head('HostRolloutRecord', recordName(rolloutRef, hostname, spec.attempt ?? 1)),
      spec: {
        rolloutRef,
        rolloutId: ROLLOUT_ID,
        attempt: 1,
        hostname,
        hostRef: hostname,
        channel: 'stable',
        ref: 'a1b2c3d4',
        wave: 0,
        targetClosure: TARGET,
        soakMinutes: 5,
        onHealthFailure: 'rollback-and-halt',
        firstSeq: 0,
        dispatchedAt: OPENED,
        ...spec,
      },
    });
    return this.setRecord(created, status);
  }

  /** Replaces some members of a record's status, as the leader would. */
  async setRecord(
    record: HostRolloutRecord,
    status: Partial<HostRolloutRecordStatus>,
  ): Promise<HostRolloutRecord> {
    const live = await this.readRecord(record);
    return this.client.replaceStatus(hostRolloutRecordResource, {
      ...live,
      status: { state: 'Pending', lastEventSeq: 0, ...live.status, ...status },
    });
  }

  async readRecord(record: HostRolloutRecord): Promise<HostRolloutRecord> {
    return this.client.get(hostRolloutRecordResource, record.metadata);
  }

  async host(hostname = 'web-01', status?: HostStatus): Promise<Host> {
    const created = await this.client.create<Host>(hostResource, {
      ...this.#head('Host', hostname),
      spec: { fleetRef: 'lab', hostname, channel: 'stable', tags: [], platform: 'x86_64-linux' },
    });
    return status === undefined ? created : this.client.replaceStatus(hostResource, { ...created, status });
  }

  /** A QuarantinedClosure of channel `stable`. */
  async quarantine(closure: string): Promise<void> {
    await this.client.create<QuarantinedClosure>(quarantinedClosureResource, {
      ...this.#head('QuarantinedClosure', `by-hand-${closure}`),
      spec: {
        channel: 'stable',
        closure,
        reason: 'by hand',
        rolloutId: ROLLOUT_ID,
        hostname: 'web-01',
        quarantinedAt: OPENED,
      },
    });
  }

  async readHost(hostname = 'web-01'): Promise<Host> {
    return this.client.get(hostResource, { namespace: this.namespace, name: hostname });
  }

  #head(kind: string, name: string) {
    return { apiVersion: API_VERSION, kind, metadata: { name, namespace: this.namespace } };
  }
}
