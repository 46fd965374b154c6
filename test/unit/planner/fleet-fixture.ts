import { addMillis, parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import type {
  FleetPlanInput,
  PlanHost,
  PlanRecord,
  PlanRollout,
  PlanSettings,
} from '../../../src/core/planner/fleet-input.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { planFleet } from '../../../src/core/planner/fleet-plan.ts';
import { FleetTopology } from '../../../src/core/planner/topology.ts';
import type { PlannerBudget, PlannerFleet } from '../../../src/core/planner/types.ts';

/** Minutes of the story; minute 0 is the time of every plan. */
export function minute(offset: number): Timestamp {
  const start = parseTimestamp('2026-05-16T01:00:00Z');
  if (start === undefined) throw new Error('unreadable fixture time');
  return addMillis(start, offset * 60_000);
}

export const SETTINGS: PlanSettings = {
  offlinePolicy: 'Wait',
  artifactMaxAgeMs: 55 * 60_000,
  hostBusyMs: 600_000,
  supersededHoldGraceMs: 600_000,
  settleMaxMs: 330_000,
  toldAfterMs: 20_000,
  fleetHold: false,
};

/** A budget over the given hosts. */
export function budget(hosts: readonly string[], limits: Partial<PlannerBudget>): PlannerBudget {
  return { selector: { tags: ['web'] }, hosts, ...limits };
}

/** A rollout of channel `web` at ref `r1`, open and in its first wave. */
export function rollout(changes: Partial<PlanRollout> = {}): PlanRollout {
  return {
    name: 'web-r1',
    rolloutId: 'web@r1',
    channel: 'web',
    attempt: 1,
    state: 'Active',
    currentWave: 0,
    opened: true,
    paused: false,
    budgets: [],
    ...changes,
  };
}

/** A Pending record of rollout `web-r1`. */
export function record(hostname: string, changes: Partial<PlanRecord> = {}): PlanRecord {
  const rolloutName = changes.rollout ?? 'web-r1';
  return {
    name: `${rolloutName}.${hostname}`,
    rollout: rolloutName,
    hostname,
    attempt: 1,
    state: 'Pending',
    targetClosure: `${hostname}-new`,
    soakMinutes: 5,
    outstandingFailures: 0,
    ...changes,
  };
}

/** A host that runs its old closure, is online and settled. */
export function host(hostname: string, changes: Partial<PlanHost> = {}): PlanHost {
  return {
    hostname,
    closure: `${hostname}-old`,
    firstReportAt: minute(-600),
    settledTime: minute(-599),
    offline: false,
    ...changes,
  };
}

/** An undelivered mark of the current term. */
export const MARK = { queuedAt: minute(-1), term: 7 } as const;
/** A mark that was handed out. */
export const DELIVERED = { ...MARK, deliveredAt: minute(-1), lastDeliveredAt: minute(-1) } as const;

/** A story: what differs from one channel `web` whose hosts are those of the records. */
export interface Story extends Partial<Omit<FleetPlanInput, 'settings' | 'topology'>> {
  readonly settings?: Partial<PlanSettings>;
  readonly fleet?: Partial<PlannerFleet>;
}

/** The plan at minute 0. */
export function plan(story: Story): FleetPlan {
  return planFleet(inputOf(story));
}

/** The input of a story: every host of a record exists, on the channel of its rollout. */
export function inputOf(story: Story): FleetPlanInput {
  const { settings, fleet, ...given } = story;
  const rollouts = given.rollouts ?? [rollout()];
  const records = given.records ?? [];
  const channelOf = new Map(rollouts.map(({ name, channel }) => [name, channel]));
  const hosts = Object.fromEntries(
    records.map(({ hostname, rollout: name }) => [
      hostname,
      { channel: channelOf.get(name) ?? 'web', closureHash: 'built' },
    ]),
  );
  return {
    now: minute(0),
    term: 7,
    fleetSignedAt: minute(-10),
    manifests: new Map([['web', { channelRef: 'r1', signedAt: minute(-10) }]]),
    quarantines: new Map(),
    hosts: [...new Set(records.map(({ hostname }) => hostname))].map((hostname) => host(hostname)),
    ...given,
    rollouts,
    records,
    settings: { ...SETTINGS, ...settings },
    topology: new FleetTopology({ hosts, waves: {}, ...fleet }),
  };
}

/** The hosts that a plan marks. */
export function marked(made: FleetPlan): string[] {
  return made.marks.map(({ record: { hostname } }) => hostname);
}

/** The gates that hold a host of rollout `web-r1`. */
export function gatesOf(made: FleetPlan, hostname: string, rolloutName = 'web-r1'): string[] {
  return (made.blockedBy.get(`${rolloutName}.${hostname}`) ?? []).map(({ gate }) => gate);
}

/** Hosts of withdrawn or suspended marks with the reasons. */
export function stops(list: FleetPlan['withdrawals']): string[] {
  return list.map(({ record: { hostname }, reason }) => `${hostname}: ${reason}`);
}
