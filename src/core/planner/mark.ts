import type { PlanRecord } from './fleet-input.ts';

/** What becomes of a Pending record's mark. */
export type MarkDecision = 'none' | 'mark' | 'withdraw' | 'suspend' | 'resume' | 'restamp';

/** What a plan found out about a Pending record. */
export interface MarkCase {
  /** Whether anything stops it: a gate, a clearance, a successor. */
  readonly stopped: boolean;
  /** Whether its host runs the target already. */
  readonly onTarget: boolean;
  /** The leader's term. */
  readonly term: number;
}

/**
 * Marks what nothing stops; takes an undelivered mark back, because the host cannot know of it; suspends a delivered
 * one, because the host may (D6). A mark of an earlier term would never be delivered, so one that stands is stamped
 * anew. A host on its target needs no dispatch (D11).
 */
export function decideMark(record: PlanRecord, { stopped, onTarget, term }: MarkCase): MarkDecision {
  const { dispatch } = record;
  if (dispatch === undefined) return stopped || onTarget ? 'none' : 'mark';
  if (dispatch.deliveredAt === undefined) {
    if (stopped || onTarget) return 'withdraw';
  } else {
    if (stopped) return dispatch.suspended === true ? 'none' : 'suspend';
    if (onTarget) return 'none';
    if (dispatch.suspended === true) return 'resume';
  }
  return dispatch.term === term ? 'none' : 'restamp';
}
