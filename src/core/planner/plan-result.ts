import { addMillis, type Timestamp } from '../../api/time.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { Deadlock, FleetPlan, NewMark, WaveStep, Withdrawal } from './fleet-plan-result.ts';
import type { RolloutPlan } from './rollout-plan.ts';
import type { TrackedRecord } from './tracked-record.ts';

/** What new marks carry. */
export interface MarkContext {
  readonly now: Timestamp;
  readonly term: number;
}

/** The lists of a plan, put together from its rollouts in order. */
export type PlanLists = Pick<
  FleetPlan,
  'waves' | 'marks' | 'withdrawals' | 'suspensions' | 'resumptions' | 'restamps' | 'deadlocks'
>;

/** Puts the lists of a plan together: what all rollouts, in the order given, still want done. */
export function planLists(plans: Iterable<RolloutPlan>, context: MarkContext): PlanLists {
  const waves: WaveStep[] = [];
  const marks: NewMark[] = [];
  const withdrawals: Withdrawal[] = [];
  const suspensions: Withdrawal[] = [];
  const resumptions: PlanRecord[] = [];
  const restamps: PlanRecord[] = [];
  const deadlocks: Deadlock[] = [];
  const soakDueAt = soakEnds(context.now);
  for (const plan of plans) {
    if (plan.step !== undefined) waves.push(plan.step);
    for (const tracked of plan.actions.list()) {
      const { record, outcome } = tracked;
      if (outcome.decision === 'mark') marks.push(newMark(tracked, context, soakDueAt));
      else if (outcome.decision === 'withdraw') withdrawals.push({ record, reason: outcome.reason });
      else if (outcome.decision === 'suspend') suspensions.push({ record, reason: outcome.reason });
      else if (outcome.decision === 'resume') resumptions.push(record);
      else restamps.push(record);
    }
    deadlocks.push(...plan.deadlocks);
  }
  return { waves, marks, withdrawals, suspensions, resumptions, restamps, deadlocks };
}

function newMark(
  { record, host }: TrackedRecord,
  { now, term }: MarkContext,
  soakDueAt: (minutes: number) => Timestamp,
): NewMark {
  return {
    record,
    queuedAt: now,
    term,
    soakDueAt: soakDueAt(record.soakMinutes),
    ...(host?.closure === undefined ? {} : { closureBeforeDispatch: host.closure }),
  };
}

/** Most marks of a plan soak equally long. */
function soakEnds(now: Timestamp): (minutes: number) => Timestamp {
  const known = new Map<number, Timestamp>();
  return (minutes) => {
    let due = known.get(minutes);
    if (due === undefined) known.set(minutes, (due = addMillis(now, minutes * 60_000)));
    return due;
  };
}
