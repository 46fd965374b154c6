import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { splitRolloutId } from '../../core/artifacts/rollout-id.ts';
import type { FleetDesign } from '../local/release.ts';

/** Whether a record holds a slot of its budgets (architecture.md §4: delivered marks, Activating, Soaking). */
export function inFlight({ status }: HostRolloutRecord): boolean {
  if (status?.state === 'Activating' || status?.state === 'Soaking') return true;
  return status?.state === 'Pending' && status.dispatch?.deliveredAt !== undefined;
}

/**
 * Sees every version of every record and says where the order that the fleet asks for was broken: a wave before the
 * one ahead of it, a channel before the one it waits for, a budget exceeded.
 */
export class OrderWatch {
  /** What was broken, in words; empty is good. */
  readonly violations: string[] = [];
  /** The most hosts ever in flight, by tag of the budget. */
  readonly peaks = new Map<string, number>();
  readonly #fleet: FleetDesign;
  readonly #records = new Map<string, HostRolloutRecord>();

  constructor(fleet: FleetDesign) {
    this.#fleet = fleet;
  }

  /** Takes the next version of a record. */
  observe(record: HostRolloutRecord): void {
    const before = this.#records.get(record.metadata.name);
    this.#records.set(record.metadata.name, record);
    const marked = record.status?.dispatch !== undefined && before?.status?.dispatch === undefined;
    if (marked) this.#checkMark(record);
    for (const { tag, maxInFlight } of this.#fleet.budgets) this.#checkBudget(tag, maxInFlight);
  }

  #checkMark(marked: HostRolloutRecord): void {
    const { rolloutRef, wave, hostname, channel, rolloutId } = marked.spec;
    const ref = splitRolloutId(rolloutId).channelRef;
    const gating = this.#fleet.channelEdges
      .filter(({ gated }) => gated === channel)
      .map(({ gates }) => gates);
    for (const other of this.#records.values()) {
      if (isDone(other)) continue;
      const { spec } = other;
      if (spec.rolloutRef === rolloutRef && spec.wave < wave) {
        this.violations.push(
          `${hostname} (wave ${wave}) was let through before ${spec.hostname} (wave ${spec.wave}) was done`,
        );
      }
      if (gating.includes(spec.channel) && splitRolloutId(spec.rolloutId).channelRef === ref) {
        this.violations.push(
          `${hostname} (${channel}) was let through before ${spec.hostname} (${spec.channel}) was done`,
        );
      }
    }
  }

  #checkBudget(tag: string, maxInFlight: number): void {
    const hosts = new Set(this.#fleet.hosts.filter(({ tags }) => tags.includes(tag)).map(({ name }) => name));
    const flying = new Set<string>();
    for (const record of this.#records.values()) {
      if (hosts.has(record.spec.hostname) && inFlight(record)) flying.add(record.spec.hostname);
    }
    const peak = this.peaks.get(tag) ?? 0;
    if (flying.size <= peak) return;
    this.peaks.set(tag, flying.size);
    if (flying.size > maxInFlight) {
      this.violations.push(
        `${[...flying].join(' and ')} were in flight at once, the budget of tag ${tag} is ${maxInFlight}`,
      );
    }
  }
}

function isDone({ status }: HostRolloutRecord): boolean {
  return status?.state === 'Converged' || status?.state === 'Deferred' || status?.clearedAt !== undefined;
}
