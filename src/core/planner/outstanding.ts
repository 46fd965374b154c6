import type { FleetTopology } from './topology.ts';
import type { OutstandingFailures } from './types.ts';

/** Running totals of outstanding failures over the waves of a channel, per rollout (planner.md §9.6). */
export class OutstandingTotals {
  readonly #failures: OutstandingFailures;
  readonly #topology: FleetTopology;
  readonly #totals = new Map<string, Map<string, readonly number[]>>();

  constructor(failures: OutstandingFailures, topology: FleetTopology) {
    this.#failures = failures;
    this.#topology = topology;
  }

  /** Failures over every listing of a host in waves 0 … wave−1; a host listed twice counts twice. */
  before(rollout: string, channel: string, wave: number): number {
    const counts = this.#failures.get(rollout);
    if (counts === undefined) return 0;
    let channels = this.#totals.get(rollout);
    if (channels === undefined) this.#totals.set(rollout, (channels = new Map()));
    let totals = channels.get(channel);
    if (totals === undefined) channels.set(channel, (totals = this.#sum(counts, channel)));
    return totals[wave] ?? 0;
  }

  /** Has the totals of a rollout summed up anew, because its failures changed. */
  forget(rollout: string): void {
    this.#totals.delete(rollout);
  }

  #sum(counts: ReadonlyMap<string, number>, channel: string): number[] {
    let total = 0;
    const totals = [0];
    for (const wave of this.#topology.waves(channel)) {
      for (const host of wave.hosts) total += counts.get(host) ?? 0;
      totals.push(total);
    }
    return totals;
  }
}
