import { GATES, type GateName } from '../../api/gates.ts';
import type { Hold, RolloutBlock } from './fleet-plan-result.ts';

const SAMPLE = 5;

/** Counts, for one rollout, how many hosts each gate holds; a host that several gates hold counts for each of them. */
export class BlockSummary {
  readonly #byGate = new Map<GateName, { count: number; reason: string; hosts: string[] }>();

  /** Adds a held host; hosts come in the order of the plan, and the first one's reason stands for the gate. */
  add(host: string, holds: readonly Hold[]): void {
    for (const { gate, reason } of holds) {
      const known = this.#byGate.get(gate);
      if (known === undefined) this.#byGate.set(gate, { count: 1, reason, hosts: [host] });
      else {
        known.count++;
        if (known.hosts.length < SAMPLE) known.hosts.push(host);
      }
    }
  }

  /** The gates that hold anything, in gate order. */
  blocks(): RolloutBlock[] {
    return GATES.flatMap(({ name: gate }) => {
      const found = this.#byGate.get(gate);
      return found === undefined ? [] : [{ gate, ...found }];
    });
  }
}
