import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import {
  hostResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../../src/api/kinds/resources.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import type { Host } from '../../../src/api/kinds/host.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';
import {
  allRecords,
  isFirstDelivery,
  nameOf,
  newestTries,
  recordChange,
  rolloutOf,
  stateOf,
} from './records.ts';

/** A leader that acts has withdrawn what it must withdraw after so long. */
const REACTION_MS = 30_000;

/**
 * No host is handed a dispatch before its wave, the hosts and the channels that go first; none from a halted or
 * superseded rollout or of a quarantined closure, once a leader had the time to see that.
 */
export class Order implements Observer {
  /** `rollout host` of hosts that were done at some time, or were left behind. */
  readonly #done = new Set<string>();
  readonly #terminal = new Set<string>();
  /** What must stop dispatches, and how long somebody had led by then. */
  readonly #stopped = new Map<string, number>();

  onChange(change: ApiChange, world: WorldView): void {
    const record = recordChange(change);
    if (record !== undefined) this.#noteRecord(change, record.after, world);
    if (change.plural === 'rollouts') this.#noteRollout(change.object as unknown as Rollout, world);
    if (change.plural === 'quarantinedclosures') {
      this.#note(`quarantined ${change.object.metadata.name}`, change.type !== 'DELETED', world);
    }
    if (change.plural === 'hosts') this.#noteHost(change.object as unknown as Host, world);
    if (record !== undefined && isFirstDelivery(change)) this.#check(record.after, world);
  }

  #noteRecord(change: ApiChange, record: HostRolloutRecord, world: WorldView): void {
    const { rolloutRef, hostname } = record.spec;
    const state = stateOf(record);
    if (state === 'Converged' || state === 'Deferred' || record.status?.clearedAt !== undefined) {
      this.#done.add(`${rolloutRef} ${hostname}`);
    }
    if (change.type === 'MODIFIED' && isAsBefore(change, record)) return;
    const failed = [...newestTries(world.api, rolloutRef).values()].some(
      (one) => /^(Failed|Reverted)$/.test(stateOf(one)) && one.status?.clearedAt === undefined,
    );
    this.#note(`halted ${rolloutRef}`, change.type !== 'DELETED' && failed, world);
  }

  #noteRollout(rollout: Rollout, world: WorldView): void {
    const { name } = rollout.metadata;
    if (rollout.status?.state === 'Terminal') this.#terminal.add(name);
    this.#note(`superseded ${name}`, rollout.status?.state === 'Superseded', world);
    this.#note(`paused ${name}`, rollout.spec.intent.hold === 'Pause', world);
  }

  #noteHost({ metadata, spec, status }: Host, world: WorldView): void {
    if (status?.offline !== true || world.scenario.offline.policy !== 'Skip') return;
    for (const record of allRecords(world.api)) {
      if (record.spec.hostRef === metadata.name) this.#done.add(`${record.spec.rolloutRef} ${spec.hostname}`);
    }
  }

  #note(what: string, holds: boolean, world: WorldView): void {
    if (!holds) this.#stopped.delete(what);
    else if (!this.#stopped.has(what)) this.#stopped.set(what, world.ledMs);
  }

  #check(record: HostRolloutRecord, world: WorldView): void {
    const { rolloutRef, hostname, channel, targetClosure } = record.spec;
    const rollout = rolloutOf(world.api, record);
    const { waves } = world.design.channels.find(({ name }) => name === channel) ?? { waves: [] };
    const wave = waves.findIndex((hosts) => hosts.includes(hostname));
    const current = rollout?.status?.currentWave ?? 0;
    if (waves.length > 0 && !this.#terminal.has(rolloutRef)) {
      if (wave < 0) return world.violated('order', `${nameOf(record)} is dispatched, but no wave lists it`);
      if (wave > current)
        return world.violated('order', `${nameOf(record)} is in wave ${wave}, the rollout in ${current}`);
    }
    for (const { gates, gated } of world.design.edges) {
      if (gated !== hostname || !this.#isListed(gates, channel, world)) continue;
      if (!this.#done.has(`${rolloutRef} ${gates}`) && !this.#isSkipped(gates, world)) {
        return world.violated('order', `${nameOf(record)} is dispatched before ${gates}`);
      }
    }
    this.#checkChannels(record, world);
    for (const what of [`halted ${rolloutRef}`, `superseded ${rolloutRef}`, `paused ${rolloutRef}`]) {
      if (this.#isLongStopped(what, world))
        world.violated('order', `${nameOf(record)} is dispatched, but it is ${what}`);
    }
    for (const { spec, metadata } of world.api.all(quarantinedClosureResource)) {
      if (spec.channel !== channel || spec.closure !== targetClosure) continue;
      if (this.#isLongStopped(`quarantined ${metadata.name}`, world)) {
        world.violated('order', `${nameOf(record)} is dispatched, but its closure is quarantined`);
      }
    }
  }

  /** An edge to a host of another channel, or to none, orders nothing. */
  #isListed(host: string, channel: string, world: WorldView): boolean {
    return world.design.hosts.some((one) => one.name === host && one.channel === channel);
  }

  #isSkipped(host: string, world: WorldView): boolean {
    if (world.scenario.offline.policy !== 'Skip') return false;
    return world.api
      .all(hostResource)
      .some(({ spec, status }) => spec.hostname === host && status?.offline === true);
  }

  #checkChannels(record: HostRolloutRecord, world: WorldView): void {
    const { channel, rolloutId } = record.spec;
    const ref = rolloutId.slice(channel.length);
    for (const { gates, gated } of world.design.channelEdges) {
      const id = `${gates}${ref}`;
      if (gated !== channel || !world.publications.isNamed(id)) continue;
      const first = world.api
        .all(rolloutResource)
        .filter(({ spec }) => spec.rolloutId === id)
        .toSorted((a, b) => b.spec.attempt - a.spec.attempt)[0];
      if (first === undefined || !this.#terminal.has(first.metadata.name)) {
        world.violated('order', `${nameOf(record)} is dispatched before channel ${gates} is through`);
      }
    }
  }

  #isLongStopped(what: string, world: WorldView): boolean {
    const since = this.#stopped.get(what);
    return since !== undefined && world.ledMs - since > REACTION_MS;
  }
}

/** Whether nothing of a record has changed that can halt its rollout, or let it go on. */
function isAsBefore({ before }: ApiChange, record: HostRolloutRecord): boolean {
  const old = before as HostRolloutRecord | undefined;
  return stateOf(old) === stateOf(record) && old?.status?.clearedAt === record.status?.clearedAt;
}
