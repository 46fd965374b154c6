import type { GateName } from '../../api/gates.ts';
import type { Timestamp } from '../../api/time.ts';
import type { PlanRecord, PlanRollout } from './fleet-input.ts';

/** One gate that holds one host. */
export interface Hold {
  readonly gate: GateName;
  /** What exactly is waited for, such as a channel, host or budget. Stable: it never carries a moving count (D9). */
  readonly key?: string;
  /** For people; may carry counts that move. */
  readonly reason: string;
}

/** A rollout that goes on to a later wave. To be written before any mark of that wave. */
export interface WaveStep {
  readonly rollout: PlanRollout;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** A record to be marked. */
export interface NewMark {
  readonly record: PlanRecord;
  readonly queuedAt: Timestamp;
  readonly term: number;
  /** Soak end if the agent acknowledges this mark (D3). */
  readonly soakDueAt: Timestamp;
  /** What the host runs now; recovery may need it later (D11). */
  readonly closureBeforeDispatch?: string;
}

/** Why a mark goes: a gate, or a reason that is none. */
export type WithdrawReason = GateName | 'superseded' | 'cleared' | 'on-target';

/** An undelivered mark to be taken back. It holds its slot until that is written. */
export interface Withdrawal {
  readonly record: PlanRecord;
  readonly reason: WithdrawReason;
}

/** How many hosts of a rollout a gate holds, and why the first of them is held. */
export interface RolloutBlock {
  readonly gate: GateName;
  readonly count: number;
  readonly reason: string;
  /** At most five. */
  readonly hosts: readonly string[];
}

/** Something in the content in force that no event can ever clear (D8). */
export interface Deadlock {
  readonly rollout: PlanRollout;
  readonly gate: GateName;
  readonly count: number;
  readonly reason: string;
  /** At most five. */
  readonly hosts: readonly string[];
}

/** What is to be done now. Lists are in the order of the plan: by rollout id, then by host (D18). */
export interface FleetPlan {
  readonly waves: readonly WaveStep[];
  readonly marks: readonly NewMark[];
  readonly withdrawals: readonly Withdrawal[];
  /** Delivered marks that are not to be sent again for now. */
  readonly suspensions: readonly Withdrawal[];
  /** Suspended marks that may be sent again; they get the current term. */
  readonly resumptions: readonly PlanRecord[];
  /** Marks of an earlier term that still stand; they get the current term. */
  readonly restamps: readonly PlanRecord[];
  /** By record name: all gates that hold it, in gate order. A record that none holds is absent. */
  readonly blockedBy: ReadonlyMap<string, readonly Hold[]>;
  /** By rollout name, in gate order. A rollout without held host is absent. */
  readonly blocked: ReadonlyMap<string, readonly RolloutBlock[]>;
  readonly deadlocks: readonly Deadlock[];
  /** By rollout name: hosts out of promotion, edges, compliance and the end of the rollout (D7). */
  readonly leftBehind: ReadonlyMap<string, readonly string[]>;
  /** Whether a Pending record may be recovered from what its host runs: no gate but those that hold marks only (D5). */
  readonly isRecoverable: (recordName: string) => boolean;
  /** The next point in time at which waiting alone changes the plan. */
  readonly wakeAt?: Timestamp;
  /** Names of the records for which this plan may say something else than the one before; absent where all may be. */
  readonly visited?: ReadonlySet<string>;
}
