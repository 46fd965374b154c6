import type { Fleet } from '../../api/kinds/fleet.ts';
import type { Host } from '../../api/kinds/host.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../api/kinds/quarantined-closure.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../api/kinds/resources.ts';
import { systemClock } from '../../kube/clock.ts';
import { connect } from '../../kube/connect.ts';
import { loadKubeConfig } from '../../kube/credentials.ts';
import { Informer, type InformerContext } from '../../kube/informer.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { silentLogger } from '../../kube/logger.ts';
import { FLEET, NAMESPACE } from '../local/installation.ts';

/** What the API server holds at one moment, as far as the demo looks at it. */
export interface FleetState {
  readonly fleet: Fleet | undefined;
  readonly rollouts: readonly Rollout[];
  readonly records: readonly HostRolloutRecord[];
  readonly hosts: readonly Host[];
  readonly quarantines: readonly QuarantinedClosure[];
}

/** Watches all kinds, as anybody with a kubeconfig could. */
export class ObservedFleet {
  readonly #client: KubeClient;
  readonly #stop = new AbortController();
  readonly #fleets: Informer<Fleet>;
  readonly #rollouts: Informer<Rollout>;
  readonly #records: Informer<HostRolloutRecord>;
  readonly #hosts: Informer<Host>;
  readonly #quarantines: Informer<QuarantinedClosure>;
  readonly #runs: Promise<void>[];

  private constructor(client: KubeClient) {
    this.#client = client;
    const context: InformerContext = { client, clock: systemClock, log: silentLogger, random: Math.random };
    const scope = { namespace: NAMESPACE };
    this.#fleets = new Informer(context, fleetResource, scope);
    this.#rollouts = new Informer(context, rolloutResource, scope);
    this.#records = new Informer(context, hostRolloutRecordResource, scope);
    this.#hosts = new Informer(context, hostResource, scope);
    this.#quarantines = new Informer(context, quarantinedClosureResource, scope);
    this.#runs = this.#informers().map(async (informer) => informer.run(this.#stop.signal));
  }

  /** Resolves once everything there is has been read. */
  static async start(kubeconfig: string): Promise<ObservedFleet> {
    const config = loadKubeConfig(kubeconfig, {});
    const observed = new ObservedFleet(connect({ config, clock: systemClock, random: Math.random }));
    await Promise.all(observed.#informers().map(async ({ store }) => store.waitForSync()));
    return observed;
  }

  /** What is known now. */
  get state(): FleetState {
    return {
      fleet: this.#fleets.store.get(`${NAMESPACE}/${FLEET}`),
      rollouts: this.#rollouts.store.list(),
      records: this.#records.store.list(),
      hosts: this.#hosts.store.list(),
      quarantines: this.#quarantines.store.list(),
    };
  }

  /** Calls back for every version of every record, in the order in which they were written. */
  onRecord(listener: (record: HostRolloutRecord) => void): void {
    this.#records.store.subscribe((change) => {
      if (change.type !== 'deleted') listener(change.new);
    });
  }

  /** Calls back after any change of anything. */
  onChange(listener: () => void): void {
    for (const informer of this.#informers()) informer.store.subscribe(listener);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
    await this.#client.close();
  }

  #informers(): [
    Informer<Fleet>,
    Informer<Rollout>,
    Informer<HostRolloutRecord>,
    Informer<Host>,
    Informer<QuarantinedClosure>,
  ] {
    return [this.#fleets, this.#rollouts, this.#records, this.#hosts, this.#quarantines];
  }
}

/** The rollout of a channel that counts now: the newest one that is not superseded. */
export function currentRollout(state: FleetState, channel: string): Rollout | undefined {
  return state.rollouts
    .filter((rollout) => rollout.spec.channel === channel && rollout.status?.state !== 'Superseded')
    .toSorted((a, b) => createdAt(b).localeCompare(createdAt(a)))[0];
}

/** The records of one rollout. */
export function recordsOf(state: FleetState, rollout: Rollout | undefined): HostRolloutRecord[] {
  return state.records.filter((record) => record.spec.rolloutRef === rollout?.metadata.name);
}

function createdAt(rollout: Rollout): string {
  return rollout.status?.openedAt ?? rollout.metadata.creationTimestamp ?? '';
}
