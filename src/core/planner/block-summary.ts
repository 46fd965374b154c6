import { GATES, type GateName } from '../../api/gates.ts';
import type { Hold, RolloutBlock } from './fleet-plan-result.ts';
import type { TrackedRecord } from './tracked-record.ts';

const SAMPLE = 5;

/** Counts, for one rollout, how many hosts each gate holds; a host that several gates hold counts for each of them. */
export class BlockSummary {
  readonly #counts = new Map<GateName, number>();
  #isStale = false;

  /** Counts the gates that hold a host in place of those that held it before. */
  replace(before: readonly Hold[], after: readonly Hold[]): void {
    if (before === after) return;
    for (const { gate } of before) this.#counts.set(gate, (this.#counts.get(gate) ?? 0) - 1);
    for (const { gate } of after) this.#counts.set(gate, (this.#counts.get(gate) ?? 0) + 1);
    this.#isStale = true;
  }

  /**
   * The gates that hold anything, in gate order; undefined where nothing changed since the last call. `records` are
   * those of the rollout in the order of the plan: the first one's reason stands for the gate.
   */
  takeBlocks(records: readonly TrackedRecord[]): RolloutBlock[] | undefined {
    if (!this.#isStale) return undefined;
    this.#isStale = false;
    const samples = this.#samples(records);
    return GATES.flatMap(({ name: gate }) => {
      const sample = samples.get(gate);
      return sample === undefined ? [] : [{ gate, count: this.#counts.get(gate) ?? 0, ...sample }];
    });
  }

  /** Goes through the records no further than to the last one that it has to name. */
  #samples(records: readonly TrackedRecord[]): Map<GateName, { reason: string; hosts: string[] }> {
    const samples = new Map<GateName, { reason: string; hosts: string[] }>();
    let missing = 0;
    for (const count of this.#counts.values()) missing += Math.min(count, SAMPLE);
    for (const { record, outcome } of records) {
      if (missing === 0) break;
      for (const { gate, reason } of outcome.holds) {
        const known = samples.get(gate);
        if (known === undefined) samples.set(gate, { reason, hosts: [record.hostname] });
        else if (known.hosts.length < SAMPLE) known.hosts.push(record.hostname);
        else continue;
        missing--;
      }
    }
    return samples;
  }
}
