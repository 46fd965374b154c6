import { ops as artifactOps } from './ops/artifacts.ts';
import { ops as hostOps } from './ops/host.ts';
import type { Op } from './ops/op.ts';
import { ops as plannerOps } from './ops/planner.ts';
import { ops as rolloutOps } from './ops/rollout.ts';

const registry = new Map<string, Op>();
for (const group of [artifactOps, hostOps, plannerOps, rolloutOps]) {
  for (const [name, op] of Object.entries(group)) {
    if (registry.has(name)) throw new Error(`two groups of test/conformance/ops define the op "${name}"`);
    registry.set(name, op);
  }
}

/** The operation of that name, or undefined where no group of test/conformance/ops defines it. */
export function findOp(name: string): Op | undefined {
  return registry.get(name);
}

/** The names of all operations, for messages. */
export function opNames(): string[] {
  return [...registry.keys()].toSorted();
}
