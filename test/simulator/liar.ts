import type { EventEnvelope } from '../../src/api/wire/events.ts';
import { closureOf } from './design.ts';
import type { EventLoop } from './event-loop.ts';
import type { Prng } from './prng.ts';
import type { SimHost } from './sim-host.ts';

/** Makes a host say things twice, late, in another order, or that are not so. */
export class Liar {
  readonly #host: SimHost;
  readonly #loop: EventLoop;
  readonly #prng: Prng;

  constructor(host: SimHost, loop: EventLoop, prng: Prng) {
    this.#host = host;
    this.#loop = loop;
    this.#prng = prng;
  }

  start(): void {
    this.#loop.schedule(this.#prng.int(3_000, 40_000), this.#host.process, () => {
      if (this.#host.online) this.#lie();
      this.start();
    });
  }

  #lie(): void {
    const { outbox, sent } = this.#host;
    switch (this.#prng.int(0, 4)) {
      case 0:
        if (sent.length > 0) this.#host.post(this.#prng.pick(sent));
        return;
      case 1:
        for (const envelope of sent.slice(-8)) this.#host.post(envelope);
        return;
      case 2:
        outbox.reverse();
        return;
      case 3:
        this.#forge();
        return;
      default:
        this.#host.claim(closureOf(this.#host.name, this.#prng.int(0, 4)));
    }
  }

  /** An event of a rollout that the agent knows, with a number and a kind of the liar's choice. */
  #forge(): void {
    const records = this.#host.records();
    if (records.length === 0) return;
    const { rolloutId, lastEventSeq, targetClosure } = this.#prng.pick(records);
    const at = this.#host.process.clock.now();
    const seq = lastEventSeq + this.#prng.int(-2, 30);
    const kinds: EventEnvelope['event'][] = [
      { kind: 'DispatchAck', currentClosureAtDispatch: targetClosure, receivedAt: at, seq },
      {
        kind: 'ActivationCompleted',
        observedCurrentClosure: targetClosure,
        exitCode: 0,
        completedAt: at,
        seq,
      },
      { kind: 'Converged', convergedAt: at, currentClosure: targetClosure, seq },
      { kind: 'RollbackComplete', revertedToClosure: 'x', exitCode: 0, completedAt: at, seq },
      { kind: 'ActivationFailed', exitCode: 1, stderrTail: 'no', failedAt: at, seq },
    ];
    const event = this.#prng.pick(kinds);
    if (seq >= 0) this.#host.post({ hostname: this.#host.name, rolloutId, event });
  }
}
