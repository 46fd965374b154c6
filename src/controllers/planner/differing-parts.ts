import { isDeepStrictEqual } from 'node:util';
import type { PlanRecord } from '../../core/planner/fleet-input.ts';
import type { FleetPlan } from '../../core/planner/fleet-plan-result.ts';

/** Names the parts in which two plans differ; which records they visited is none. */
export function differingParts(a: FleetPlan, b: FleetPlan, records: readonly PlanRecord[]): string[] {
  const { visited: _visited, isRecoverable, ...parts } = a;
  const { visited: _others, ...others } = b;
  const expected = new Map<string, unknown>(Object.entries(others));
  const found: [string, unknown][] = Object.entries({ wakeAt: undefined, ...parts });
  const differing = found.filter(([part, said]) => !isDeepStrictEqual(said, expected.get(part)));
  const names = differing.map(([part]) => part);
  const isSame = records.every(({ name }) => isRecoverable(name) === b.isRecoverable(name));
  return isSame ? names : [...names, 'isRecoverable'];
}
