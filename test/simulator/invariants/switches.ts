import type { AgentFeedEvent } from '../../../src/agent/feed.ts';
import { allRecords, stateOf } from './records.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { SimHost } from '../sim-host.ts';

/** A switch that takes longer looks to a new operator like no switch at all: D22 asks for two reports 55 s apart. */
const SEEN_MS = 55_000;

/** No host is switched to a closure that it runs, or has just begun to switch to, whatever was lost meanwhile (D22). */
export class Switches implements Observer {
  readonly #begun = new Map<string, number>();
  readonly #movedBack = new Set<string>();

  onFeed(host: SimHost, event: AgentFeedEvent, world: WorldView): void {
    if (event.type !== 'state') return;
    const known = `${host.name} ${event.rolloutId}`;
    if (event.to === 'Pending' && isUnderWay(world, host, event.rolloutId)) this.#movedBack.add(known);
    if (event.from !== 'Pending' || event.to !== 'Activating') return;
    if (this.#movedBack.delete(known)) return;
    const plan = world.scenario.hosts[host.name];
    if (plan?.lies === true || plan?.behaviour?.defers !== undefined) return;
    if (!host.answered && isUnheard(world, host.name, event.rolloutId)) return;
    const target = host.records().find(({ rolloutId }) => rolloutId === event.rolloutId)?.targetClosure;
    const { closure, profile } = host.machine;
    const key = `${host.name} ${target ?? ''}`;
    const begun = this.#begun.get(key) ?? Number.NEGATIVE_INFINITY;
    this.#begun.set(key, world.now);
    if (target === closure)
      world.violated('switches', `${host.name} is switched to ${closure}, which it runs`);
    if (target === profile && world.now - begun < SEEN_MS) {
      world.violated('switches', `${host.name} is switched to ${profile} a second time`);
    }
  }
}

/**
 * Known and open (scenario open/snapshot-overtaken-by-dispatch.json, agent-protocol.md §3.9): a Pending snapshot moves the
 * agent back. Where its dispatch was handed out and the acknowledgement waits in the outbox, for slowness or a refusal,
 * the mark goes out again, and the host begins once more.
 */
function isUnderWay(world: WorldView, { name, outbox }: SimHost, rolloutId: string): boolean {
  const acks = outbox.filter((sent) => sent.rolloutId === rolloutId && sent.event.kind === 'DispatchAck');
  return allRecords(world.api).some(({ spec, status }) => {
    if (spec.hostname !== name || spec.rolloutId !== rolloutId || status?.state !== 'Pending') return false;
    return (
      status.dispatch?.deliveredAt !== undefined && acks.some(({ event }) => event.seq > status.lastEventSeq)
    );
  });
}

/**
 * Whether neither side can know of the switch before, where the agent has just started and its first heartbeat got no
 * answer: nothing that it said is stored, and a dispatch is delivered until something is; or a further attempt of the
 * id goes on counting (D16), from where the agent does not know, so that what it says is taken for a duplicate (ADR 0025).
 */
function isUnheard(world: WorldView, hostname: string, rolloutId: string): boolean {
  return allRecords(world.api).some((record) => {
    const { spec, status } = record;
    if (spec.hostname !== hostname || spec.rolloutId !== rolloutId) return false;
    return spec.firstSeq > 0 || (stateOf(record) === 'Pending' && (status?.inbox ?? []).length === 0);
  });
}
