import type { EventLoop } from './event-loop.ts';
import type { Prng } from './prng.ts';
import { Replica, type ReplicaOptions } from './replica.ts';

const LEASE_MS = 15_000;
/** A leader gives up by itself when it could not renew for so long. */
const RENEW_MS = 10_000;
const SLOTS = 2;

/** What the replicas are made of, and who is told when one dies. */
export interface OperatorsOptions extends Omit<ReplicaOptions, 'name' | 'skewMs'> {
  readonly onDeath: (slot: number) => void;
  /** Nothing is drawn: what is on the wire stops with its process, and everything takes its usual time. */
  readonly steady: boolean;
}

/**
 * The replicas and their Lease: whoever is dead or paused for longer than the Lease lasts is followed by another, and
 * one that wakes up after that may finish nothing but what it has sent already. (The elector itself has tests of its own.)
 */
export class Operators {
  readonly #options: OperatorsOptions;
  readonly #loop: EventLoop;
  readonly #prng: Prng;
  readonly #replicas: (Replica | undefined)[] = [];
  #leader: Replica | undefined;
  #lives = 0;
  #led = 0;
  #actingSince: number | undefined;

  constructor(options: OperatorsOptions) {
    this.#options = options;
    this.#loop = options.loop;
    this.#prng = options.prng;
  }

  /** Milliseconds in which a leader could act. */
  get ledMs(): number {
    return this.#led + (this.#actingSince === undefined ? 0 : this.#loop.now - this.#actingSince);
  }

  /** Starts every replica; the first one leads. */
  start(): void {
    for (let slot = 0; slot < SLOTS; slot += 1) this.#boot(slot);
    this.#elect();
  }

  /** The replica in a slot. */
  at(slot: number): Replica | undefined {
    return this.#replicas[slot];
  }

  /** A slot that a host's connection may end at; undefined where nobody listens. */
  anyone(prng: Prng): number | undefined {
    const up = this.#replicas.flatMap((replica, slot) => (replica === undefined ? [] : [slot]));
    return up.length === 0 ? undefined : prng.pick(up);
  }

  kill(who: 'leader' | 'other'): void {
    const slot = this.#slotOf(who);
    if (slot !== undefined) this.#kill(slot);
  }

  /** Stops a process for a while. What it has sent may arrive in time or as late as itself. */
  pause(who: 'leader' | 'other', ms: number): void {
    const slot = this.#slotOf(who);
    const replica = slot === undefined ? undefined : this.#replicas[slot];
    if (slot === undefined || replica === undefined || replica.process.paused) return;
    const { process } = replica;
    process.pause();
    if (this.#options.steady || this.#prng.chance(0.6)) process.wire.pause();
    if (replica === this.#leader) {
      this.#stopsActing();
      if (ms > LEASE_MS)
        this.#loop.schedule(LEASE_MS + this.#drawn(0, 3_000), undefined, () => this.#elect());
    }
    this.#loop.schedule(ms, undefined, () => this.#resume(slot, replica, ms));
  }

  #resume(slot: number, replica: Replica, pausedMs: number): void {
    const { process } = replica;
    if (!process.alive) return;
    if (replica.leading && pausedMs >= RENEW_MS) {
      replica.lost = true;
      this.#loop.schedule(this.#drawn(1, 400), undefined, () => {
        if (this.#replicas[slot] === replica) this.#kill(slot);
      });
    } else if (replica === this.#leader) {
      this.#actingSince = this.#loop.now;
    }
    process.resume();
    process.wire.resume();
  }

  #kill(slot: number): void {
    const replica = this.#replicas[slot];
    if (replica === undefined) return;
    this.#replicas[slot] = undefined;
    replica.process.kill();
    if (this.#prng.chance(0.5)) replica.process.wire.kill();
    else replica.process.wire.resume();
    this.#options.onDeath(slot);
    if (replica === this.#leader) {
      this.#leader = undefined;
      this.#stopsActing();
      this.#loop.schedule(LEASE_MS + this.#drawn(0, 3_000), undefined, () => this.#elect());
    }
    this.#loop.schedule(this.#drawn(500, 6_000), undefined, () => this.#boot(slot));
  }

  #boot(slot: number): void {
    if (this.#replicas[slot] !== undefined) return;
    this.#lives += 1;
    const name = `operator-${'ab'.charAt(slot)}${this.#lives > SLOTS ? this.#lives : ''}`;
    // Nodes keep their clocks together, but not to the millisecond.
    this.#replicas[slot] = new Replica({ ...this.#options, name, skewMs: this.#drawn(-200, 200) });
  }

  #elect(): void {
    const healthy = this.#leader?.process;
    if (healthy?.alive === true && !healthy.paused && this.#leader?.lost === false) return;
    const candidates = this.#replicas.filter(
      (replica) => replica !== undefined && !replica.process.paused && !replica.leading,
    );
    if (candidates.length === 0) {
      this.#loop.schedule(2_000, undefined, () => this.#elect());
      return;
    }
    this.#leader = (this.#options.steady ? candidates[0] : this.#prng.pick(candidates)) as Replica;
    this.#actingSince = this.#loop.now;
    this.#leader.lead();
  }

  /** A number from a range; the middle of it where nothing is drawn. */
  #drawn(min: number, max: number): number {
    return this.#options.steady ? Math.round((min + max) / 2) : this.#prng.int(min, max);
  }

  #stopsActing(): void {
    this.#led = this.ledMs;
    this.#actingSince = undefined;
  }

  #slotOf(who: 'leader' | 'other'): number | undefined {
    const slot = this.#replicas.findIndex(
      (replica) => replica !== undefined && (replica === this.#leader) === (who === 'leader'),
    );
    return slot < 0 ? undefined : slot;
  }
}
