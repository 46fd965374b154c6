import type { FleetPlanInput, PlanRecord, PlanRollout } from './fleet-input.ts';
import { compareCodePoints } from './order.ts';
import { RolloutStanding } from './rollout-standing.ts';
import { TrackedRecord } from './tracked-record.ts';

const NO_RECORDS: readonly PlanRecord[] = [];

/** All rollouts of a fleet, ascending by rollout id, and which of them the content in force means. */
export class Standings {
  readonly all: readonly RolloutStanding[];
  /** Records of rollouts that are not this fleet's, or gone. */
  readonly strays: readonly TrackedRecord[];
  readonly #byName = new Map<string, RolloutStanding>();
  /** By rollout id: the name of the newest attempt. */
  readonly #newest = new Map<string, string>();
  readonly #manifests: FleetPlanInput['manifests'];

  constructor({ rollouts, records, manifests }: Pick<FleetPlanInput, 'rollouts' | 'records' | 'manifests'>) {
    this.#manifests = manifests;
    const ascending = rollouts.toSorted(
      (a, b) => compareCodePoints(a.rolloutId, b.rolloutId) || a.attempt - b.attempt,
    );
    for (const { rolloutId, name } of ascending) this.#newest.set(rolloutId, name);
    const recordsOf = byRollout(records);
    this.all = ascending.map((rollout) => {
      const own = recordsOf.get(rollout.name) ?? NO_RECORDS;
      recordsOf.delete(rollout.name);
      return new RolloutStanding(rollout, this.#isMeant(rollout), own);
    });
    for (const standing of this.all) this.#byName.set(standing.rollout.name, standing);
    this.strays = [...recordsOf.values()].flat().map((record) => new TrackedRecord(record, 0));
  }

  /** A rollout by object name. */
  get(name: string): RolloutStanding | undefined {
    return this.#byName.get(name);
  }

  /** The newest attempt at what the content in force names for a channel, whatever its state. */
  newestFor(channel: string): PlanRollout | undefined {
    return this.#newestStanding(channel)?.rollout;
  }

  /** The rollout of a channel that may dispatch, if there is one. */
  currentFor(channel: string): RolloutStanding | undefined {
    const standing = this.#newestStanding(channel);
    return standing?.isCurrent === true ? standing : undefined;
  }

  #newestStanding(channel: string): RolloutStanding | undefined {
    const name = this.#newestName(channel);
    return name === undefined ? undefined : this.#byName.get(name);
  }

  #newestName(channel: string): string | undefined {
    const manifest = this.#manifests.get(channel);
    return manifest === undefined ? undefined : this.#newest.get(`${channel}@${manifest.channelRef}`);
  }

  #isMeant(rollout: PlanRollout): boolean {
    if (rollout.state === 'Superseded' || rollout.state === 'Pruned' || rollout.outdated === true)
      return false;
    return this.#newestName(rollout.channel) === rollout.name;
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
