import type { EventEnvelope } from '../../../src/api/wire/events.ts';
import type { HostRolloutSnapshot } from '../../../src/api/wire/snapshot.ts';
import type { Answer } from '../../../src/webhook/answer.ts';
import type { Call, Observer, WorldView } from '../observer.ts';
import { allRecords } from './records.ts';

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
    const counts = allRecords(world.api).some(({ spec, status }) => {
      if (spec.hostname !== host.name || spec.rolloutId !== rolloutId) return false;
      const numbers = [status?.lastEventSeq ?? 0, ...(status?.inbox ?? []).map(({ seq }) => seq ?? 0)];
      return Math.max(...numbers) >= event.seq;
    });
    if (counts) this.#promise(host.name, rolloutId, event.seq);
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
      this.#promise(name, rolloutId, lastEventSeq);
    }
  }

  #promise(host: string, rolloutId: string, seq: number): void {
    let promised = this.#promised.get(host);
    if (promised === undefined) this.#promised.set(host, (promised = new Map()));
    promised.set(rolloutId, Math.max(seq, promised.get(rolloutId) ?? 0));
  }
}
