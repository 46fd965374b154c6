import type { AgentFeedEvent } from '../../../src/agent/feed.ts';
import type { Answer } from '../../../src/webhook/answer.ts';
import { allRecords } from './records.ts';
import type { Call, Observer, WorldView } from '../observer.ts';
import type { SimHost } from '../sim-host.ts';

/** A switch that takes longer looks to a new operator like no switch at all: D22 asks for two reports 55 s apart. */
const SEEN_MS = 55_000;

/** No host is switched to a closure that it runs, or has just begun to switch to, whatever was lost meanwhile (D22). */
export class Switches implements Observer {
  readonly #begun = new Map<string, number>();
  /** By host: when the last snapshots and the last dispatch left. */
  readonly #left = { heartbeat: new Map<string, number>(), dispatch: new Map<string, number>() };
  readonly #movedBack = new Set<string>();

  onAnswer({ route, host }: Call, { status }: Answer, world: WorldView): void {
    if (status === 200 && route !== 'events') this.#left[route].set(host.name, world.now);
  }

  onFeed(host: SimHost, event: AgentFeedEvent, world: WorldView): void {
    if (event.type !== 'state') return;
    const known = `${host.name} ${event.rolloutId}`;
    if (event.from === 'Activating' && event.to === 'Pending' && this.#isLate(host))
      this.#movedBack.add(known);
    if (event.from !== 'Pending' || event.to !== 'Activating') return;
    if (this.#movedBack.delete(known)) return;
    const plan = world.scenario.hosts[host.name];
    if (plan?.lies === true || plan?.behaviour?.defers !== undefined) return;
    if (!host.answered && countsOn(world, host.name, event.rolloutId)) return;
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

  /**
   * Known and open (scenario open/snapshot-overtaken-by-dispatch.json): a Pending snapshot that left before the dispatch
   * and arrives after it moves the agent back. Where the acknowledgement is refused with 503 as well, the next try of the
   * outbox and the next delivery of the mark fall together, 15 s later, and the host begins once more.
   */
  #isLate({ name }: SimHost): boolean {
    const { heartbeat, dispatch } = this.#left;
    return (heartbeat.get(name) ?? 0) < (dispatch.get(name) ?? 0);
  }
}

/**
 * A further attempt of an id goes on counting (D16). An agent that has just started and whose first heartbeat got no
 * answer cannot know from where: what it says is taken for a duplicate, and it is switched again (ADR 0025).
 */
function countsOn(world: WorldView, hostname: string, rolloutId: string): boolean {
  return allRecords(world.api).some(
    ({ spec }) => spec.hostname === hostname && spec.rolloutId === rolloutId && spec.firstSeq > 0,
  );
}
