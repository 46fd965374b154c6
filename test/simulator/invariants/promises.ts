import type { EventEnvelope } from '../../../src/api/wire/events.ts';
import type { HostRolloutSnapshot } from '../../../src/api/wire/snapshot.ts';
import type { Answer } from '../../../src/webhook/answer.ts';
import type { Call, Observer, WorldView } from '../observer.ts';
import { allRecords, isOrphan } from './records.ts';

/** A number that a host was told. */
interface Told {
  readonly host: string;
  readonly rolloutId: string;
  readonly seq: number;
}

/**
 * What a host was promised stays so: once an event was answered and is stored, or a snapshot has told a number, no
 * later heartbeat is answered with a lower one (agent-protocol.md §3.9: it would rewind the agent).
 */
export class PromisedNumbers implements Observer {
  /** By host: by rollout id. */
  readonly #promised = new Map<string, Map<string, number>>();
  readonly #atArrival = new WeakMap<Call, Map<string, number>>();

  onWipe(): void {
    this.#promised.clear();
  }

  onArrival(call: Call): void {
    if (call.route === 'heartbeat') this.#atArrival.set(call, new Map(this.#promised.get(call.host.name)));
  }

  onAnswer(call: Call, answer: Answer, world: WorldView): void {
    if (call.route === 'events' && answer.status === 204) this.#notePromise(call, world);
    if (call.route === 'heartbeat' && answer.status === 200) this.#checkSnapshots(call, answer, world);
  }

  /** A 204 promises the event only where it counts: others are dropped on purpose. */
  #notePromise({ body, host }: Call, world: WorldView): void {
    const { rolloutId, event } = body as EventEnvelope;
    this.#promise(world, { host: host.name, rolloutId, seq: event.seq });
  }

  #checkSnapshots(call: Call, { body }: Answer, world: WorldView): void {
    const { name } = call.host;
    const text = typeof body === 'string' ? body : '{}';
    const { bootstrap_rollouts: snapshots = [] } = JSON.parse(text) as {
      bootstrap_rollouts?: HostRolloutSnapshot[];
    };
    for (const { rolloutId, lastEventSeq } of snapshots) {
      const promised = this.#atArrival.get(call)?.get(rolloutId) ?? 0;
      // Not after a wipe in between: nobody is left to know.
      if (lastEventSeq < promised && this.#promised.get(name)?.has(rolloutId) === true) {
        world.violated(
          'promises',
          `${name} ${rolloutId} was promised ${promised}, and is told ${lastEventSeq}`,
        );
      }
      this.#promise(world, { host: name, rolloutId, seq: lastEventSeq });
    }
  }

  #promise(world: WorldView, told: Told): void {
    if (!isKept(world, told)) return;
    const { host, rolloutId, seq } = told;
    let promised = this.#promised.get(host);
    if (promised === undefined) this.#promised.set(host, (promised = new Map()));
    promised.set(rolloutId, Math.max(seq, promised.get(rolloutId) ?? 0));
  }
}

/** Whether a number stands somewhere. Of what was thrown away a moment ago a cache may not know, and nobody keeps it. */
function isKept({ api }: WorldView, { host, rolloutId, seq }: Told): boolean {
  return allRecords(api).some((record) => {
    const { spec, status } = record;
    if (spec.hostname !== host || spec.rolloutId !== rolloutId || isOrphan(api, record)) return false;
    const numbers = [status?.lastEventSeq ?? 0, ...(status?.inbox ?? []).map((entry) => entry.seq ?? 0)];
    return Math.max(spec.firstSeq, ...numbers) >= seq;
  });
}
