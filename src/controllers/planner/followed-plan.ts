import type { FleetPlanFrame, FleetPlanInput } from '../../core/planner/fleet-input.ts';
import { FleetPlanMemory } from '../../core/planner/fleet-plan-memory.ts';
import type { FleetPlan } from '../../core/planner/fleet-plan-result.ts';
import type { ControllerContext } from '../context.ts';
import { ChangedInputs } from './changed-inputs.ts';
import { differingParts } from './differing-parts.ts';
import { planHostOf, planRecordOf } from './plan-objects.ts';

/**
 * Makes each plan from what changed since the one before (docs/adr/0026). Everything is planned anew on any doubt: the
 * first time, where the last plan was not written to its end, and every `planCheckMs`, so that no change can be missed
 * for longer.
 */
export class FollowedPlan {
  readonly #context: ControllerContext;
  readonly #changed: ChangedInputs;
  #memory: FleetPlanMemory | undefined;
  /** What the next plan goes on from once this one is written. */
  #unwritten: FleetPlanMemory | undefined;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#changed = new ChangedInputs(context);
  }

  /** The plan of now. It holds good until the next one. */
  next(frame: FleetPlanFrame): FleetPlan {
    const followed = this.#follow(frame);
    const isDue =
      this.#context.clock.monotonicMillis() - this.#checkedAtMs >= this.#context.settings.planCheckMs;
    this.#unwritten = followed === undefined || isDue ? this.#anew(frame, followed) : followed;
    return this.#unwritten.plan;
  }

  /** The plan is written, but for records that the next one has to look at again, by object name. */
  written(again: Iterable<string>): void {
    for (const name of again) this.#changed.addRecord(name);
    this.#memory = this.#unwritten;
  }

  #follow(frame: FleetPlanFrame): FleetPlanMemory | undefined {
    const memory = this.#memory;
    // What is thrown from here on leaves nothing behind that could be followed.
    this.#memory = undefined;
    const changes = this.#changed.take();
    if (memory === undefined || changes === undefined) return undefined;
    memory.update({ ...frame, ...changes });
    return memory;
  }

  #anew(frame: FleetPlanFrame, followed: FleetPlanMemory | undefined): FleetPlanMemory {
    this.#checkedAtMs = this.#context.clock.monotonicMillis();
    const input = this.#everything(frame);
    const memory = new FleetPlanMemory(input);
    if (followed !== undefined) this.#compare(followed.plan, memory.plan, input);
    return memory;
  }

  #compare(followed: FleetPlan, whole: FleetPlan, { records }: FleetPlanInput): void {
    const parts = differingParts(followed, whole, records);
    if (parts.length === 0) return;
    this.#context.metrics.planDiverged();
    this.#context.log.error(
      { parts },
      'following the changes came to another plan than planning everything anew',
    );
  }

  #everything(frame: FleetPlanFrame): FleetPlanInput {
    const { records, hosts } = this.#context.stores;
    return { ...frame, records: records.list().map(planRecordOf), hosts: hosts.list().map(planHostOf) };
  }
}
