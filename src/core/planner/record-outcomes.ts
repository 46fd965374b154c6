import { channelLoop, isSuspect } from './deadlocks.ts';
import type { WithdrawReason } from './fleet-plan-result.ts';
import type { FleetView } from './fleet-view.ts';
import { sameHolds, type Holds, type RolloutHolds } from './holds.ts';
import { decideMark } from './mark.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import { NO_OUTCOME, type RecordOutcome, type TrackedRecord } from './tracked-record.ts';

/** The gates that hold marks only, so that a host on its target is recovered in spite of them (D5). */
const MARK_ONLY: ReadonlySet<string> = new Set(['host-offline', 'host-unsettled', 'artifact-stale']);

/** Decides about one record at a time, in the order of the plan. */
export class RecordOutcomes {
  readonly #view: FleetView;
  readonly #holds: Holds;
  readonly #term: number;
  /** By channel. Channels stay as they are for as long as anything is remembered. */
  readonly #loops = new Map<string, string | undefined>();

  constructor(view: FleetView, holds: Holds, term: number) {
    this.#view = view;
    this.#holds = holds;
    this.#term = term;
  }

  /** What becomes of the newest try of a host in a current rollout. */
  ofCurrent(tracked: TrackedRecord, standing: RolloutStanding, rolloutHolds: RolloutHolds): RecordOutcome {
    if (!tracked.isWaiting) return NO_OUTCOME;
    const { record, outcome: before } = tracked;
    const found = this.#holds.ofRecord(tracked, standing, rolloutHolds);
    const isRecoverable = found.every(({ gate }) => MARK_ONLY.has(gate));
    if (record.clearedAt !== undefined) return this.#outcome(tracked, 'cleared', isRecoverable);
    const holds = sameHolds(found, before.holds) ? before.holds : found;
    const suspect = isSuspect(this.#view, tracked, holds, this.loopOf(standing));
    return this.#outcome(tracked, holds[0]?.gate, isRecoverable, holds, suspect);
  }

  /** What becomes of a record that another try or another rollout has taken the place of. */
  ofSuperseded(tracked: TrackedRecord): RecordOutcome {
    return tracked.record.state === 'Pending' ? this.#outcome(tracked, 'superseded', false) : NO_OUTCOME;
  }

  /** In what circle the channel of a rollout waits for itself, if it does (D8). */
  loopOf({ rollout: { channel } }: RolloutStanding): string | undefined {
    if (!this.#loops.has(channel)) this.#loops.set(channel, channelLoop(this.#view, channel));
    return this.#loops.get(channel);
  }

  /** Decides about a Pending record's mark; `stop` says what stops it. */
  #outcome(
    { record, host }: TrackedRecord,
    stop: WithdrawReason | undefined,
    isRecoverable: boolean,
    holds = NO_OUTCOME.holds,
    suspect = false,
  ): RecordOutcome {
    const onTarget = host?.closure === record.targetClosure;
    const decision = decideMark(record, { stopped: stop !== undefined, onTarget, term: this.#term });
    return { holds, isRecoverable, decision, reason: stop ?? 'on-target', isSuspect: suspect };
  }
}
