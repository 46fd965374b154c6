import type { FleetPlanChanges, FleetPlanInput } from './fleet-input.ts';
import type { FleetPlan } from './fleet-plan-result.ts';
import { FleetPlanner } from './fleet-planner.ts';

/**
 * A plan that follows its fleet: each update gives the plan that `planFleet` makes of everything, at the cost of what
 * has changed (docs/adr/0026). The tables of a plan are the memory's own, so a plan holds good until the next update.
 */
export class FleetPlanMemory {
  #planner: FleetPlanner;
  #plan: FleetPlan;

  constructor(input: FleetPlanInput) {
    this.#planner = new FleetPlanner(input);
    this.#plan = this.#planner.plan();
  }

  /** The newest plan. */
  get plan(): FleetPlan {
    return this.#plan;
  }

  /** Plans again. What concerns the fleet as a whole, or makes records come or go, has everything planned anew. */
  update(changes: FleetPlanChanges): FleetPlan {
    if (!this.#planner.apply(changes)) {
      this.#planner = new FleetPlanner(this.#planner.inputAfter(changes));
    }
    return (this.#plan = this.#planner.plan());
  }
}
