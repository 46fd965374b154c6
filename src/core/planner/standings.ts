import type { FleetPlanInput, PlanRecord, PlanRollout } from './fleet-input.ts';
import { compareCodePoints } from './order.ts';
import { RolloutStanding } from './rollout-standing.ts';

const NO_RECORDS: readonly PlanRecord[] = [];

/** All rollouts of a fleet, ascending by rollout id, and which of them the content in force means. */
export class Standings {
  readonly all: readonly RolloutStanding[];
  readonly #byName = new Map<string, RolloutStanding>();
  readonly #newest = new Map<string, PlanRollout>();
  readonly #manifests: FleetPlanInput['manifests'];

  constructor({ rollouts, records, manifests }: Pick<FleetPlanInput, 'rollouts' | 'records' | 'manifests'>) {
    this.#manifests = manifests;
    for (const rollout of rollouts) {
      const known = this.#newest.get(rollout.rolloutId);
      if (known === undefined || known.attempt < rollout.attempt)
        this.#newest.set(rollout.rolloutId, rollout);
    }
    const recordsOf = byRollout(records);
    this.all = rollouts
      .toSorted((a, b) => compareCodePoints(a.rolloutId, b.rolloutId) || a.attempt - b.attempt)
      .map(
        (rollout) =>
          new RolloutStanding(rollout, this.#isMeant(rollout), recordsOf.get(rollout.name) ?? NO_RECORDS),
      );
    for (const standing of this.all) this.#byName.set(standing.rollout.name, standing);
  }

  /** A rollout by object name. */
  get(name: string): RolloutStanding | undefined {
    return this.#byName.get(name);
  }

  /** The newest attempt at what the content in force names for a channel, whatever its state. */
  newestFor(channel: string): PlanRollout | undefined {
    const manifest = this.#manifests.get(channel);
    return manifest === undefined ? undefined : this.#newest.get(`${channel}@${manifest.channelRef}`);
  }

  /** The rollout of a channel that may dispatch, if there is one. */
  currentFor(channel: string): RolloutStanding | undefined {
    const newest = this.newestFor(channel);
    const standing = newest === undefined ? undefined : this.#byName.get(newest.name);
    return standing?.isCurrent === true ? standing : undefined;
  }

  #isMeant(rollout: PlanRollout): boolean {
    if (rollout.state === 'Superseded' || rollout.state === 'Pruned' || rollout.outdated === true)
      return false;
    return this.newestFor(rollout.channel) === rollout;
  }
}

function byRollout(records: readonly PlanRecord[]): Map<string, PlanRecord[]> {
  const table = new Map<string, PlanRecord[]>();
  for (const record of records) {
    const known = table.get(record.rollout);
    if (known === undefined) table.set(record.rollout, [record]);
    else known.push(record);
  }
  return table;
}
