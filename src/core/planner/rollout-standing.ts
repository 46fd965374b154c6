import type { PlanRecord, PlanRollout } from './fleet-input.ts';
import { sortedByCodePoint } from './order.ts';

/** One rollout with its records, as a plan sees them. */
export class RolloutStanding {
  readonly rollout: PlanRollout;
  /** Whether the content in force means this very rollout; any other dispatches nothing. */
  readonly isCurrent: boolean;
  /** The newest try of each host, ascending by host. */
  readonly records: readonly PlanRecord[];
  /** Earlier tries that are not deleted yet (D16). */
  readonly olderTries: readonly PlanRecord[];
  #byHost: ReadonlyMap<string, PlanRecord> | undefined;

  constructor(rollout: PlanRollout, isCurrent: boolean, records: readonly PlanRecord[]) {
    this.rollout = rollout;
    this.isCurrent = isCurrent;
    const newest = newestTries(records);
    const counted = newest === records ? undefined : new Set(newest);
    this.olderTries = counted === undefined ? [] : records.filter((record) => !counted.has(record));
    this.records = sortedByCodePoint(newest, (record) => record.hostname);
  }

  /** The newest try of a host. */
  record(host: string): PlanRecord | undefined {
    this.#byHost ??= new Map(this.records.map((record) => [record.hostname, record]));
    return this.#byHost.get(host);
  }

  /** The hosts whose failure nobody has dealt with, ascending (D2). */
  unclearedFailures(): readonly PlanRecord[] {
    return this.records.filter(
      ({ state, clearedAt }) => (state === 'Failed' || state === 'Reverted') && clearedAt === undefined,
    );
  }
}

function newestTries(records: readonly PlanRecord[]): readonly PlanRecord[] {
  if (records.every((record) => record.attempt <= 1)) return records;
  const newest = new Map<string, PlanRecord>();
  for (const record of records) {
    const known = newest.get(record.hostname);
    if (known === undefined || known.attempt < record.attempt) newest.set(record.hostname, record);
  }
  return newest.size === records.length ? records : [...newest.values()];
}
