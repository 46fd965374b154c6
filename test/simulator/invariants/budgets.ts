import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { rolloutResource } from '../../../src/api/kinds/resources.ts';
import { compareTimestamps, millisBetween, addMillis } from '../../../src/api/time.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';
import { EPOCH } from '../sim-process.ts';
import {
  allRecords,
  isFirstDelivery,
  nameOf,
  newestTries,
  recordChange,
  rolloutOf,
  stateOf,
} from './records.ts';

const GRACE_MS = 600_000;

/**
 * No budget is exceeded by what the operator lets through: when a dispatch is handed out, or a host is recovered into
 * its soak, no more hosts of the budget are delivered, Activating or Soaking than it allows. What hosts do unasked is
 * not held against it.
 */
export class Budgets implements Observer {
  /** Since when a record has been in flight, by uid. */
  readonly #since = new Map<string, number>();

  onChange(change: ApiChange, world: WorldView): void {
    const record = recordChange(change);
    if (record === undefined) return;
    const { after } = record;
    const uid = after.metadata.uid ?? '';
    if (change.type === 'DELETED') {
      this.#since.delete(uid);
      return;
    }
    const was = record.before !== undefined && isInFlight(record.before);
    if (!isInFlight(after)) this.#since.delete(uid);
    else if (!was) this.#since.set(uid, world.now);
    const recovered =
      !was && stateOf(after) === 'Soaking' && after.status?.history?.at(-1)?.cause === 'Heartbeat';
    if (isFirstDelivery(change) || recovered) this.#check(after, world);
  }

  #check(record: HostRolloutRecord, world: WorldView): void {
    const manifest = world.publications.manifestOf(record.spec.rolloutId);
    for (const { selector, hosts, maxInFlight, maxInFlightPct } of manifest?.disruptionBudgets ?? []) {
      if (!hosts.includes(record.spec.hostname)) continue;
      const share =
        maxInFlightPct === null ? Infinity : Math.max(1, Math.floor((maxInFlightPct * hosts.length) / 100));
      const max = Math.min(maxInFlight ?? Infinity, share);
      const key = JSON.stringify(selector);
      const holders = allRecords(world.api).filter((other) => this.#holds(other, record, key, world));
      if (new Set(holders.map(({ spec }) => spec.hostname)).size + 1 > max) {
        const names = holders.map(nameOf).join(', ');
        world.violated(
          'budgets',
          `${nameOf(record)} is let through beside ${names}, but ${key} allows ${max}`,
        );
      }
    }
  }

  #holds(other: HostRolloutRecord, than: HostRolloutRecord, key: string, world: WorldView): boolean {
    // A host has one slot, whatever it soaks for.
    if (other.spec.hostname === than.spec.hostname || !isInFlight(other)) return false;
    if (other.status?.clearedAt !== undefined || this.#isReleased(other, world)) return false;
    // It went ahead without being asked to, after this one was let through.
    const queuedMs = millisBetween(EPOCH, than.status?.dispatch?.queuedAt ?? addMillis(EPOCH, world.now));
    const unasked =
      other.status?.dispatchAckedAt !== undefined && other.status.closureBeforeDispatch === undefined;
    if (unasked && (this.#since.get(other.metadata.uid ?? '') ?? 0) > queuedMs - 1_000) return false;
    const budgets = world.publications.manifestOf(other.spec.rolloutId)?.disruptionBudgets ?? [];
    return (
      budgets
        .find(({ selector }) => JSON.stringify(selector) === key)
        ?.hosts.includes(other.spec.hostname) === true
    );
  }

  /** D20: a superseded switch holds its slot until its successor moves or its soak is long over. */
  #isReleased(record: HostRolloutRecord, world: WorldView): boolean {
    const tries = newestTries(world.api, record.spec.rolloutRef);
    const replaced = tries.get(record.spec.hostname)?.metadata.uid !== record.metadata.uid;
    if (!isOutdone(record, world) && !replaced) return false;
    const due = record.status?.soakDueAt;
    const now = addMillis(EPOCH, world.now + 1_000);
    if (due !== undefined && compareTimestamps(addMillis(due, GRACE_MS), now) <= 0) return true;
    return allRecords(world.api).some((successor) => {
      const { hostname } = successor.spec;
      if (hostname !== record.spec.hostname || successor.metadata.uid === record.metadata.uid) return false;
      return (
        rolloutOf(world.api, successor)?.status?.state !== 'Superseded' && stateOf(successor) !== 'Pending'
      );
    });
  }
}

function isInFlight(record: HostRolloutRecord): boolean {
  const state = stateOf(record);
  if (state === 'Activating' || state === 'Soaking') return true;
  return state === 'Pending' && record.status?.dispatch?.deliveredAt !== undefined;
}

/** Whether its rollout is superseded; the next one of the channel may be at work before the status says so. */
function isOutdone(record: HostRolloutRecord, world: WorldView): boolean {
  if (rolloutOf(world.api, record)?.status?.state === 'Superseded') return true;
  const { channel, rolloutRef } = record.spec;
  const newest = world.api.all(rolloutResource).findLast(({ spec }) => spec.channel === channel);
  return newest?.metadata.name !== rolloutRef;
}
