/**
 * What the v0.2 planner reads (planner.md §1, §9–11), as projections: a verified FleetResolved or RolloutManifest fits
 * without conversion, and a member left out equals its default.
 */
import type { Timestamp } from '../../api/time.ts';
import type { HostState } from '../../api/wire/enums.ts';
import type { PlannerSelector } from './selector.ts';

/** One resolved wave: the hosts it lists and its soak time in minutes. */
export interface PlannerWave {
  readonly hosts: readonly string[];
  readonly soakMinutes: number;
}

/** An ordering edge: `gates` is the predecessor, `gated` the one that waits. */
export interface PlannerEdge {
  readonly gates: string;
  readonly gated: string;
}

/** The members of FleetResolved that planning reads (planner.md §3.1). */
export interface PlannerFleet {
  readonly hosts: Readonly<
    Record<string, { readonly channel: string; readonly closureHash?: string | null }>
  >;
  readonly waves: Readonly<Record<string, readonly PlannerWave[]>>;
  readonly edges?: readonly PlannerEdge[];
  readonly channelEdges?: readonly PlannerEdge[];
}

/** The verified fleet, and by channel the manifest that names the channel's rollout. */
export interface PlannerManifests {
  readonly fleet: PlannerFleet;
  readonly rollouts: ReadonlyMap<string, { readonly channelRef: string }>;
}

/** A disruption budget with its hosts as resolved at projection (planner.md §3.2). */
export interface PlannerBudget {
  readonly selector: PlannerSelector;
  readonly hosts: readonly string[];
  readonly maxInFlight?: number | null;
  readonly maxInFlightPct?: number | null;
}

/** One host of one rollout; (rolloutId, host) is unique. */
export interface HostRow {
  readonly rolloutId: string;
  readonly host: string;
  readonly state: HostState;
  readonly targetClosure: string;
  readonly dispatchAckedAt?: Timestamp;
  readonly soakDueAt?: Timestamp;
}

/** One rollout; rolloutId is unique. */
export interface RolloutRow {
  readonly rolloutId: string;
  readonly channel: string;
  readonly currentWave: number;
  readonly terminalAt?: Timestamp;
  readonly budgets?: readonly PlannerBudget[];
}

/** Outstanding failing enforce probes: by rollout id, by host, a count (planner.md §9.6). */
export type OutstandingFailures = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Where every host and rollout stands, in any order. */
export interface FleetState {
  readonly hostStates: readonly HostRow[];
  readonly rollouts: readonly RolloutRow[];
  readonly outstandingFailures?: OutstandingFailures;
}

/** Quarantined closures by channel. */
export type Quarantines = ReadonlyMap<string, ReadonlySet<string>>;

/** What a plan wants done, in the order it is to be done (planner.md §10). */
export type PlanAction =
  | {
      readonly type: 'OpenRollout';
      readonly rolloutId: string;
      readonly channel: string;
      readonly targetRef: string;
    }
  | {
      readonly type: 'DeferDispatch';
      readonly rollout: string;
      readonly host: string;
      readonly gate: string;
      readonly reason: string;
    }
  | {
      readonly type: 'QueueDispatch';
      readonly rollout: string;
      readonly host: string;
      readonly targetClosure: string;
      readonly soakDueAt: Timestamp;
    };
