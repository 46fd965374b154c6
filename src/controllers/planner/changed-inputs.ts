import type { Host } from '../../api/kinds/host.ts';
import type { FleetPlanChanges } from '../../core/planner/fleet-input.ts';
import { keyIn, type ControllerContext } from '../context.ts';
import { planHostOf, planRecordOf } from './plan-objects.ts';

/** To follow so many changes is no cheaper than to plan everything. */
const CHANGES_MAX = 20_000;

/**
 * The records and hosts that changed since the last plan. Changes that mean nothing to a plan are among them: a record
 * that somebody else wrote is looked at again, so that what a plan writes there is put right.
 */
export class ChangedInputs {
  readonly #context: ControllerContext;
  readonly #records = new Set<string>();
  readonly #hosts = new Map<string, Host>();
  #isAll = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    context.stores.records.subscribe((change) => {
      this.addRecord((change.type === 'deleted' ? change.old : change.new).metadata.name);
    });
    context.stores.hosts.subscribe((change) => {
      // Another Host may bear the name of the one that went away.
      if (change.type === 'deleted') this.#isAll = true;
      else this.#hosts.set(change.new.spec.hostname, change.new);
      this.#limit();
    });
  }

  /** Has the next plan look at a record, by object name. */
  addRecord(name: string): void {
    this.#records.add(name);
    this.#limit();
  }

  /** Takes what changed, as it is now; undefined where everything may have. */
  take(): Pick<FleetPlanChanges, 'records' | 'hosts'> | undefined {
    const changes = this.#isAll ? undefined : this.#projected();
    this.#records.clear();
    this.#hosts.clear();
    this.#isAll = false;
    return changes;
  }

  #projected(): Pick<FleetPlanChanges, 'records' | 'hosts'> {
    const { records } = this.#context.stores;
    const recordOf = (name: string) => {
      const object = records.get(keyIn(this.#context, name));
      return object && planRecordOf(object);
    };
    return {
      records: new Map([...this.#records].map((name) => [name, recordOf(name)])),
      hosts: new Map([...this.#hosts].map(([hostname, host]) => [hostname, planHostOf(host)])),
    };
  }

  #limit(): void {
    if (this.#records.size + this.#hosts.size <= CHANGES_MAX) return;
    this.#isAll = true;
    this.#records.clear();
    this.#hosts.clear();
  }
}
