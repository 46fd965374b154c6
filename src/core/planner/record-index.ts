import type { PlanRecord } from './fleet-input.ts';
import type { Standings } from './standings.ts';
import type { TrackedRecord } from './tracked-record.ts';

const NONE: readonly TrackedRecord[] = [];

/** Finds the records that a change is about. */
export class RecordIndex {
  readonly #byName = new Map<string, TrackedRecord>();
  readonly #byHost = new Map<string, TrackedRecord[]>();

  constructor({ all, strays }: Standings) {
    for (const { tries } of all) for (const tracked of tries) this.#add(tracked);
    for (const tracked of strays) this.#add(tracked);
  }

  /** A record by object name. */
  get(name: string): TrackedRecord | undefined {
    return this.#byName.get(name);
  }

  /** All records of a host, whatever their rollouts. */
  ofHost(hostname: string): readonly TrackedRecord[] {
    return this.#byHost.get(hostname) ?? NONE;
  }

  /** Whether the plan can go on with a changed record in the place of the one it knows. */
  canReplace(name: string, next: PlanRecord | undefined): boolean {
    const known = this.#byName.get(name)?.record;
    return (
      known !== undefined &&
      next !== undefined &&
      known.rollout === next.rollout &&
      known.hostname === next.hostname &&
      known.attempt === next.attempt
    );
  }

  /** All records, changed as said. */
  recordsAfter(changes: ReadonlyMap<string, PlanRecord | undefined>): PlanRecord[] {
    const kept = [...this.#byName].filter(([name]) => !changes.has(name)).map(([, { record }]) => record);
    return [...kept, ...[...changes.values()].filter((record) => record !== undefined)];
  }

  #add(tracked: TrackedRecord): void {
    const { name, hostname } = tracked.record;
    this.#byName.set(name, tracked);
    const known = this.#byHost.get(hostname);
    if (known === undefined) this.#byHost.set(hostname, [tracked]);
    else known.push(tracked);
  }
}
