import type { Condition } from '../api/kinds/condition.ts';
import type { Timestamp } from '../api/time.ts';
import { clipped } from './planner/clip.ts';

/** An observation before it is stamped. */
export interface Observation {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_MAX = 2048;

/**
 * The conditions that follow from the observations: the transition time moves only with the status, and a condition
 * that nobody observes any more is dropped. The order is that of the observations, so equal input prints equal output.
 */
export function withObservations(
  previous: readonly Condition[] | undefined,
  observations: readonly Observation[],
  generation: number,
  now: Timestamp,
): Condition[] {
  const before = new Map(previous?.map((condition) => [condition.type, condition]));
  return observations.map(({ type, status, reason, message }) => {
    const old = before.get(type);
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: old !== undefined && old.status === status ? old.lastTransitionTime : now,
      reason,
      message: clipped(message, MESSAGE_MAX),
    };
  });
}

/** The condition of a type, if it is there. */
export function conditionOf(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
