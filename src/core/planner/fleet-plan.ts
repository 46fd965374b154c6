import type { FleetPlanInput } from './fleet-input.ts';
import { FleetPlanMemory } from './fleet-plan-memory.ts';
import type { FleetPlan } from './fleet-plan-result.ts';

/**
 * What the operator does now: which rollouts go on to a later wave, which hosts are let through, and what holds every
 * other one (architecture.md §1 and D1–D22). Pure: it reads nothing but its input, and the same input gives the same
 * plan in the same order.
 */
export function planFleet(input: FleetPlanInput): FleetPlan {
  return new FleetPlanMemory(input).plan;
}
