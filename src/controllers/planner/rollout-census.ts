import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { recordsOfRollout } from '../../core/rollout/current-records.ts';
import type { StoreChange } from '../../kube/store.ts';
import { INDEX_BY_ROLLOUT, type ControllerContext } from '../context.ts';

interface Answer {
  readonly uid: string | undefined;
  readonly isComplete: boolean;
}

/** What a plan reads of a Rollout's records as a whole, kept up to date as they change, so that it need not count them. */
export class RolloutCensus {
  readonly #stores: ControllerContext['stores'];
  /** By Rollout name: how many of its records may hold slots. */
  readonly #holders = new Map<string, number>();
  /** By Rollout name; absent where records came or went since. */
  readonly #complete = new Map<string, Answer>();

  constructor({ stores }: Pick<ControllerContext, 'stores'>) {
    this.#stores = stores;
    stores.records.subscribe((change) => this.#follow(change));
    stores.rollouts.subscribe((change) => {
      if (change.type === 'deleted') this.#complete.delete(change.old.metadata.name);
    });
  }

  /** Whether all records that the Rollout is to have are there (D21). */
  isComplete(rollout: Rollout): boolean {
    const { name, uid } = rollout.metadata;
    const known = this.#complete.get(name);
    if (known !== undefined && known.uid === uid) return known.isComplete;
    const records = this.#stores.records.byIndex(INDEX_BY_ROLLOUT, name);
    const isComplete = recordsOfRollout(rollout, records).newest.length === rollout.spec.hostCount;
    this.#complete.set(name, { uid, isComplete });
    return isComplete;
  }

  /** Whether any record of the Rollout may hold a slot. */
  hasSlotHolders(rolloutName: string): boolean {
    return this.#holders.has(rolloutName);
  }

  #follow(change: StoreChange<HostRolloutRecord>): void {
    const { rolloutRef } = (change.type === 'deleted' ? change.old : change.new).spec;
    if (change.type !== 'updated' || ownerOf(change.old) !== ownerOf(change.new))
      this.#complete.delete(rolloutRef);
    if (change.type !== 'added' && mayHoldSlots(change.old)) this.#count(rolloutRef, -1);
    if (change.type !== 'deleted' && mayHoldSlots(change.new)) this.#count(rolloutRef, 1);
  }

  #count(rolloutRef: string, change: number): void {
    const count = (this.#holders.get(rolloutRef) ?? 0) + change;
    if (count === 0) this.#holders.delete(rolloutRef);
    else this.#holders.set(rolloutRef, count);
  }
}

function ownerOf({ metadata: { ownerReferences = [] } }: HostRolloutRecord): string | undefined {
  return ownerReferences.find(({ kind }) => kind === 'Rollout')?.uid;
}

function mayHoldSlots({ status }: HostRolloutRecord): boolean {
  return status?.dispatch !== undefined || status?.state === 'Activating' || status?.state === 'Soaking';
}
