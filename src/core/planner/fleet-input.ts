/**
 * What the operator's own plan reads: projections of the objects, so that the plan knows no API server
 * (architecture.md §1, D1–D22).
 */
import type { Timestamp } from '../../api/time.ts';
import type { HostState, RolloutState } from '../../api/wire/enums.ts';
import type { FleetTopology } from './topology.ts';
import type { PlannerBudget, Quarantines } from './types.ts';

/** Durations in milliseconds and switches that a fleet sets. */
export interface PlanSettings {
  /** What becomes of a wave with offline hosts: it waits, or leaves them behind (D7). */
  readonly offlinePolicy: 'Wait' | 'Skip';
  /** Artifacts older than this hold all marks (D19); 55 min by default. */
  readonly artifactMaxAgeMs: number;
  /** How long another record's dispatch or switch keeps the host busy (D20); 10 min. */
  readonly hostBusyMs: number;
  /** How long past its soak a superseded record may hold its slot (D20); 10 min. */
  readonly supersededHoldGraceMs: number;
  /** After this long since its first report a host counts as settled (D22); 330 s. */
  readonly settleMaxMs: number;
  /** A host was surely told what a heartbeat's answer says after this long without another one (ADR 0025); 20 s. */
  readonly toldAfterMs: number;
  /** Whether the Fleet is on hold: nothing is dispatched. */
  readonly fleetHold: boolean;
}

/** The manifest in force of one channel. */
export interface PlanManifest {
  readonly channelRef: string;
  readonly signedAt: Timestamp;
}

/** A Rollout object, superseded ones included. */
export interface PlanRollout {
  /** Object name. */
  readonly name: string;
  readonly rolloutId: string;
  readonly channel: string;
  /** Counts the openings of this id; the highest counts (D16). */
  readonly attempt: number;
  readonly state: RolloutState;
  readonly currentWave: number;
  /** Whether all records that the manifest names exist (D21). */
  readonly opened: boolean;
  /** Whether a person paused it. */
  readonly paused: boolean;
  /** The budgets of its manifest, frozen at opening. */
  readonly budgets: readonly PlannerBudget[];
  /** Whether the content in force says something else under the same id, so that another attempt is due (D16). */
  readonly outdated?: boolean;
}

/** The mark that lets a host through (D6). */
export interface PlanMark {
  readonly queuedAt: Timestamp;
  readonly term: number;
  readonly deliveredAt?: Timestamp;
  readonly lastDeliveredAt?: Timestamp;
  readonly suspended?: boolean;
}

/** A HostRolloutRecord object. */
export interface PlanRecord {
  /** Object name. */
  readonly name: string;
  /** Object name of its Rollout. */
  readonly rollout: string;
  readonly hostname: string;
  /** Counts the tries of this host within the rollout; the highest counts (D16). */
  readonly attempt: number;
  readonly state: HostState;
  readonly targetClosure: string;
  readonly soakMinutes: number;
  readonly dispatchAckedAt?: Timestamp;
  readonly soakDueAt?: Timestamp;
  /** When the record took the place of one that somebody deleted; absent for any other (D22). */
  readonly reopenedAt?: Timestamp;
  /** Where the record goes on counting from an earlier attempt (D16): when its host was last told the number. */
  readonly countsOn?: { readonly toldAt: Timestamp | undefined };
  /** When a person left the host behind. */
  readonly clearedAt?: Timestamp;
  readonly dispatch?: PlanMark;
  /** Enforce-mode probes and controls whose last result is a failure (D4). */
  readonly outstandingFailures: number;
}

/** A Host object. */
export interface PlanHost {
  readonly hostname: string;
  /** What the host says it runs. */
  readonly closure?: string;
  /** Since when it says so, by the operator's clock. */
  readonly closureSince?: Timestamp;
  /** Its first report since the object exists; absent where it never reported. */
  readonly firstReportAt?: Timestamp;
  /** When it had reported the same closure twice (D22). */
  readonly settledTime?: Timestamp;
  /** The leader's verdict. */
  readonly offline: boolean;
}

/** Everything a plan depends on but the records and hosts. The lists come in any order. */
export interface FleetPlanFrame {
  readonly now: Timestamp;
  /** The leader's term; marks of another term are never delivered. */
  readonly term: number;
  readonly settings: PlanSettings;
  /** Built once per content in force, not per plan. */
  readonly topology: FleetTopology;
  readonly fleetSignedAt: Timestamp;
  /** By channel: the manifests in force. */
  readonly manifests: ReadonlyMap<string, PlanManifest>;
  readonly rollouts: readonly PlanRollout[];
  /** Quarantined closures by channel, pending quarantines included (D1). */
  readonly quarantines: Quarantines;
}

/** Everything a plan depends on. */
export interface FleetPlanInput extends FleetPlanFrame {
  readonly records: readonly PlanRecord[];
  readonly hosts: readonly PlanHost[];
}

/** What differs from the input of the plan before. Lists that are short are given whole. */
export interface FleetPlanChanges extends FleetPlanFrame {
  /** By object name: the records that may have changed; undefined for one that is gone. */
  readonly records: ReadonlyMap<string, PlanRecord | undefined>;
  /** By hostname: the hosts that may have changed; undefined for one that is gone. */
  readonly hosts: ReadonlyMap<string, PlanHost | undefined>;
}
