import type { PlanRecord, PlanRollout } from './fleet-input.ts';
import { compareCodePoints, sortedByCodePoint } from './order.ts';
import { OrderedRecords } from './ordered-records.ts';
import { TrackedRecord } from './tracked-record.ts';

/** One rollout with its records, as a plan sees them. */
export class RolloutStanding {
  rollout: PlanRollout;
  /** Whether the content in force means this very rollout; any other dispatches nothing. */
  readonly isCurrent: boolean;
  /** The newest try of each host, ascending by host. */
  readonly records: readonly TrackedRecord[];
  /** Earlier tries that are not deleted yet (D16), ascending by host. */
  readonly olderTries: readonly TrackedRecord[];
  /** The hosts whose failure nobody has dealt with (D2). */
  readonly failing = new OrderedRecords();
  /** The hosts that nobody waits for any more (D7). */
  readonly leftBehind = new OrderedRecords();
  #byHost: ReadonlyMap<string, TrackedRecord> | undefined;

  constructor(rollout: PlanRollout, isCurrent: boolean, records: readonly PlanRecord[]) {
    this.rollout = rollout;
    this.isCurrent = isCurrent;
    const newest = newestTries(records);
    this.olderTries = newest === records ? [] : olderThan(newest, records);
    this.records = sortedByCodePoint(newest, ({ hostname }) => hostname).map(
      (record, position) => new TrackedRecord(record, position),
    );
  }

  /** All of them in the order of the plan: earlier tries first. */
  get tries(): readonly TrackedRecord[] {
    return [...this.olderTries, ...this.records];
  }

  /** The newest try of a host. */
  record(host: string): TrackedRecord | undefined {
    this.#byHost ??= new Map(this.records.map((tracked) => [tracked.record.hostname, tracked]));
    return this.#byHost.get(host);
  }
}

function newestTries(records: readonly PlanRecord[]): readonly PlanRecord[] {
  if (records.every((record) => record.attempt <= 1)) return records;
  const newest = new Map<string, PlanRecord>();
  for (const record of records) {
    const known = newest.get(record.hostname);
    if (known === undefined || known.attempt < record.attempt) newest.set(record.hostname, record);
  }
  return [...newest.values()];
}

function olderThan(newest: readonly PlanRecord[], records: readonly PlanRecord[]): TrackedRecord[] {
  const counted = new Set(newest);
  return records
    .filter((record) => !counted.has(record))
    .toSorted((a, b) => compareCodePoints(a.hostname, b.hostname) || a.attempt - b.attempt)
    .map((record, index, older) => new TrackedRecord(record, index - older.length));
}
