import { addMillis, type Timestamp } from '../../api/time.ts';
import { BlockSummary } from './block-summary.ts';
import { CAN_DEADLOCK, deadlocksOf } from './deadlocks.ts';
import type { FleetPlanInput, PlanRecord } from './fleet-input.ts';
import type {
  Deadlock,
  FleetPlan,
  Hold,
  NewMark,
  RolloutBlock,
  WaveStep,
  Withdrawal,
  WithdrawReason,
} from './fleet-plan-result.ts';
import { FleetView } from './fleet-view.ts';
import { Holds, type RolloutHolds } from './holds.ts';
import { decideMark } from './mark.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import { WakeTime } from './wake-time.ts';
import { waveStep } from './wave-advance.ts';

/** The gates that hold marks only, so that a host on its target is recovered in spite of them (D5). */
const MARK_ONLY: ReadonlySet<string> = new Set(['host-offline', 'host-unsettled', 'artifact-stale']);

/**
 * What the operator does now: which rollouts go on to a later wave, which hosts are let through, and what holds every
 * other one (architecture.md §1 and D1–D22). Pure: it reads nothing but its input, and the same input gives the same
 * plan in the same order.
 */
export function planFleet(input: FleetPlanInput): FleetPlan {
  return new FleetPlanner(input).plan();
}

class FleetPlanner {
  readonly #input: FleetPlanInput;
  readonly #wake: WakeTime;
  readonly #view: FleetView;
  readonly #holds: Holds;
  readonly #waves: WaveStep[] = [];
  readonly #marks: NewMark[] = [];
  readonly #withdrawals: Withdrawal[] = [];
  readonly #suspensions: Withdrawal[] = [];
  readonly #resumptions: PlanRecord[] = [];
  readonly #restamps: PlanRecord[] = [];
  readonly #blockedBy = new Map<string, readonly Hold[]>();
  readonly #blocked = new Map<string, readonly RolloutBlock[]>();
  readonly #deadlocks: Deadlock[] = [];
  readonly #leftBehind = new Map<string, readonly string[]>();
  readonly #recoverable = new Set<string>();
  readonly #soakDue = new Map<number, Timestamp>();

  constructor(input: FleetPlanInput) {
    this.#input = input;
    this.#wake = new WakeTime(input.now);
    this.#view = new FleetView(input, this.#wake);
    this.#holds = new Holds(this.#view, input, this.#wake);
  }

  plan(): FleetPlan {
    for (const standing of this.#view.standings.all) {
      for (const record of standing.olderTries) this.#settle(record, 'superseded');
      if (standing.isCurrent) this.#planRollout(standing);
      else for (const record of standing.records) this.#settle(record, 'superseded');
    }
    const wakeAt = this.#wake.get();
    return {
      waves: this.#waves,
      marks: this.#marks,
      withdrawals: this.#withdrawals,
      suspensions: this.#suspensions,
      resumptions: this.#resumptions,
      restamps: this.#restamps,
      blockedBy: this.#blockedBy,
      blocked: this.#blocked,
      deadlocks: this.#deadlocks,
      leftBehind: this.#leftBehind,
      isRecoverable: (recordName) => this.#recoverable.has(recordName),
      ...(wakeAt === undefined ? {} : { wakeAt }),
    };
  }

  #planRollout(standing: RolloutStanding): void {
    const rolloutHolds = this.#holds.ofRollout(standing);
    this.#advance(standing, rolloutHolds);
    const summary = new BlockSummary();
    const suspects: PlanRecord[] = [];
    for (const record of standing.records) {
      if (record.state !== 'Pending' || record.dispatchAckedAt !== undefined) continue;
      const holds = this.#holds.ofRecord(record, standing, rolloutHolds);
      if (holds.every(({ gate }) => MARK_ONLY.has(gate))) this.#recoverable.add(record.name);
      if (record.clearedAt !== undefined) {
        this.#settle(record, 'cleared');
        continue;
      }
      if (holds.length > 0) {
        this.#blockedBy.set(record.name, holds);
        summary.add(record.hostname, holds);
        if (holds.some(({ gate }) => CAN_DEADLOCK.has(gate))) suspects.push(record);
      }
      this.#settle(record, holds[0]?.gate);
    }
    const { name } = standing.rollout;
    const blocks = summary.blocks();
    if (blocks.length > 0) this.#blocked.set(name, blocks);
    this.#deadlocks.push(...deadlocksOf(this.#view, standing, suspects));
    const behind = standing.records.filter(
      (record) => record.state !== 'Converged' && this.#view.isLeftBehind(record),
    );
    if (behind.length > 0) {
      this.#leftBehind.set(
        name,
        behind.map(({ hostname }) => hostname),
      );
    }
  }

  /** A rollout that is held as a whole stays in its wave. */
  #advance(standing: RolloutStanding, { first }: RolloutHolds): void {
    const { rollout } = standing;
    if (first.length > 0 || rollout.state === 'Terminal') return;
    const step = waveStep(standing, this.#input.topology.waves(rollout.channel), (record) =>
      this.#view.isLeftBehind(record),
    );
    if (step === undefined) return;
    this.#waves.push(step);
    this.#view.promote(rollout.name, step.to);
  }

  /** Decides about a record's mark; `stop` says what stops it. */
  #settle(record: PlanRecord, stop: WithdrawReason | undefined): void {
    if (record.state !== 'Pending') return;
    const onTarget = this.#view.host(record.hostname)?.closure === record.targetClosure;
    const decision = decideMark(record, { stopped: stop !== undefined, onTarget, term: this.#input.term });
    const reason = stop ?? 'on-target';
    if (decision === 'mark') this.#mark(record);
    else if (decision === 'withdraw') this.#withdrawals.push({ record, reason });
    else if (decision === 'suspend') this.#suspensions.push({ record, reason });
    else if (decision === 'resume') this.#resumptions.push(record);
    else if (decision === 'restamp') this.#restamps.push(record);
  }

  #mark(record: PlanRecord): void {
    const { now, term } = this.#input;
    const closure = this.#view.host(record.hostname)?.closure;
    this.#view.slots.take(record);
    this.#marks.push({
      record,
      queuedAt: now,
      term,
      soakDueAt: this.#soakDueAt(record.soakMinutes),
      ...(closure === undefined ? {} : { closureBeforeDispatch: closure }),
    });
  }

  #soakDueAt(minutes: number): Timestamp {
    let due = this.#soakDue.get(minutes);
    if (due === undefined) this.#soakDue.set(minutes, (due = addMillis(this.#input.now, minutes * 60_000)));
    return due;
  }
}
