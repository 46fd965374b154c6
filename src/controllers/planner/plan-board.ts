import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { FleetPlan } from '../../core/planner/fleet-plan-result.ts';
import { stopsAtSoaking } from '../../core/planner/recovery-stop.ts';
import type { ObjectKey } from '../../kube/resource.ts';
import { INDEX_BY_HOST, keyIn, type ControllerContext } from '../context.ts';

/**
 * What the last plan found out that other controllers need. It is derived from the objects, so losing it costs one
 * plan; before the first plan every gate counts as closed.
 */
export class PlanBoard {
  readonly #context: ControllerContext;
  #plan: FleetPlan | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Takes over a plan. */
  post(plan: FleetPlan): void {
    this.#plan = plan;
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

  /** Keys of Pending records that the plan visited, whose host runs the target already and whose gates are open. */
  *recoverable(): Iterable<ObjectKey> {
    const { records } = this.#context.stores;
    for (const name of this.#visited()) {
      const key = keyIn(this.#context, name);
      const record = records.get(key);
      if (record !== undefined && isOnTarget(record) && this.isOpen(name)) yield key;
    }
  }

  #visited(): Iterable<string> {
    if (this.#plan === undefined) return [];
    return this.#plan.visited ?? this.#context.stores.records.list().map(({ metadata }) => metadata.name);
  }
}

function isOnTarget({ spec, status }: HostRolloutRecord): boolean {
  return (status?.state ?? 'Pending') === 'Pending' && status?.lastReport?.closure === spec.targetClosure;
}
