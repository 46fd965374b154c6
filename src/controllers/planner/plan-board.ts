import type { FleetPlan } from '../../core/planner/fleet-plan-result.ts';
import { stopsAtSoaking } from '../../core/planner/recovery-stop.ts';
import { keyOf, type ObjectKey } from '../../kube/resource.ts';
import { sameJson } from '../../kube/same-json.ts';
import { INDEX_BY_HOST, INDEX_BY_PENDING, keyIn, type ControllerContext } from '../context.ts';

/**
 * What the last plan found out that other controllers need. It is derived from the objects, so losing it costs one
 * plan; before the first plan every gate counts as closed.
 */
export class PlanBoard {
  readonly #context: ControllerContext;
  readonly #onDeadlocks: () => void;
  #plan: FleetPlan | undefined;

  /** `onDeadlocks` is called whenever a plan names other deadlocks than the one before. */
  constructor(context: ControllerContext, onDeadlocks: () => void) {
    this.#context = context;
    this.#onDeadlocks = onDeadlocks;
  }

  /** Takes over a plan. */
  post(plan: FleetPlan): void {
    const before = this.deadlocks();
    this.#plan = plan;
    if (!sameJson(before, this.deadlocks())) this.#onDeadlocks();
  }

  /** Whether a Pending record may be recovered from what its host runs. */
  isOpen(recordName: string): boolean {
    return this.#plan?.isRecoverable(recordName) ?? false;
  }

  /** Whether such a recovery has to soak, because an earlier record of the same target did not converge (D20). */
  stopAtSoaking(recordName: string): boolean {
    const { records } = this.#context.stores;
    const record = records.get(keyIn(this.#context, recordName));
    return (
      record !== undefined && stopsAtSoaking(record, records.byIndex(INDEX_BY_HOST, record.spec.hostRef))
    );
  }

  /** Sentences about what can never clear. */
  deadlocks(): readonly string[] {
    return (this.#plan?.deadlocks ?? []).map(({ rollout, reason }) => `${rollout.rolloutId}: ${reason}`);
  }

  /** Hosts that are left behind, by Rollout name. */
  leftBehind(rolloutName: string): readonly string[] {
    return this.#plan?.leftBehind.get(rolloutName) ?? [];
  }

  /**
   * Keys of Pending records whose host runs the target already and whose gates are open: all of them after every plan,
   * so that none is forgotten whose recovery came to nothing.
   */
  recoverable(): ObjectKey[] {
    return this.#context.stores.records
      .byIndex(INDEX_BY_PENDING, 'recovery')
      .filter(({ metadata }) => this.isOpen(metadata.name))
      .map(keyOf);
  }
}
