import { pathToFileURL } from 'node:url';

import { timestampFromMillis } from '../../src/api/time.ts';
import { advanceWaves } from '../../src/core/planner/advance-waves.ts';
import type { FleetPlanInput, PlanRecord, PlanRollout } from '../../src/core/planner/fleet-input.ts';
import { planFleet } from '../../src/core/planner/fleet-plan.ts';
import { planNext } from '../../src/core/planner/plan-next.ts';
import { FleetTopology } from '../../src/core/planner/topology.ts';
import type {
  FleetState,
  HostRow,
  PlannerBudget,
  PlannerFleet,
  PlannerManifests,
  PlannerWave,
  RolloutRow,
} from '../../src/core/planner/types.ts';

/** One measured figure and the goal of architecture.md §5. */
export interface BenchRow {
  readonly name: string;
  readonly bestMillis: number;
  readonly goalMillis: number;
}

/** How large a fleet is. */
export interface FleetShape {
  readonly hosts: number;
  readonly rollouts: number;
}

interface Shape extends FleetShape {
  readonly goalMillis: number;
  readonly rounds: number;
}

const SHAPES: readonly Shape[] = [
  { hosts: 256, rollouts: 8, goalMillis: 0.73, rounds: 400 },
  { hosts: 1_000, rollouts: 8, goalMillis: 2, rounds: 200 },
  { hosts: 10_000, rollouts: 8, goalMillis: 20, rounds: 40 },
];

const NOW = timestampFromMillis(1_778_893_200_000);

/**
 * The v0.2 plan with all hosts pending, three waves and one budget per channel, nothing blocked, index included. Each
 * rollout carries the budgets of every channel, as projection writes them. The best of many rounds counts.
 */
export function benchPlan(): BenchRow[] {
  return SHAPES.map((shape) => {
    const { manifests, state } = pendingFleet(shape);
    return {
      name: `planNext, ${shape.hosts} hosts in ${shape.rollouts} rollouts`,
      bestMillis: bestOf(shape.rounds, () => {
        advanceWaves(manifests, state);
        const actions = planNext(manifests, state, new Map(), NOW);
        if (actions.length !== shape.hosts) throw new Error(`planned ${actions.length} of ${shape.hosts}`);
      }),
      goalMillis: shape.goalMillis,
    };
  });
}

/**
 * The operator's own plan of the same fleets: once with nothing in the way, once with two waves of three held. The
 * topology is built beforehand, as it is once per release.
 */
export function benchFleetPlan(): BenchRow[] {
  return SHAPES.flatMap((shape) =>
    [2, 0].map((reached) => {
      const input = operatorFleet(shape, reached);
      return {
        name: `planFleet, ${shape.hosts} hosts, ${reached === 2 ? 'none' : 'two thirds'} held`,
        bestMillis: bestOf(shape.rounds, () => {
          const plan = planFleet(input);
          const planned = plan.marks.length + plan.blockedBy.size;
          if (planned !== shape.hosts) throw new Error(`planned ${planned} of ${shape.hosts}`);
        }),
        goalMillis: shape.goalMillis,
      };
    }),
  );
}

/** The smallest duration of `rounds` calls, in milliseconds. */
export function bestOf(rounds: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** Prints rows as a table that a person reads. */
export function printRows(rows: readonly BenchRow[]): void {
  for (const { name, bestMillis, goalMillis } of rows) {
    const verdict = bestMillis <= goalMillis ? 'ok' : `${(bestMillis / goalMillis).toFixed(1)}x the goal`;
    console.log(`${name.padEnd(48)} ${bestMillis.toFixed(3)} ms  (goal ${goalMillis} ms, ${verdict})`);
  }
}

/** The hosts of channel `c`, in order of name. */
function hostsOf(shape: FleetShape, channel: number): string[] {
  const names: string[] = [];
  for (let i = channel; i < shape.hosts; i += shape.rollouts)
    names.push(`host-${String(i).padStart(5, '0')}`);
  return names;
}

function fleetOf(shape: FleetShape): PlannerFleet {
  const hosts: Record<string, { channel: string }> = {};
  const waves: Record<string, readonly PlannerWave[]> = {};
  for (const [c, channel] of channelsOf(shape).entries()) {
    const names = hostsOf(shape, c);
    const third = Math.ceil(names.length / 3);
    waves[channel] = [0, 1, 2].map((w) => ({
      hosts: names.slice(w * third, (w + 1) * third),
      soakMinutes: 5,
    }));
    for (const host of names) hosts[host] = { channel };
  }
  return { hosts, waves, edges: [], channelEdges: [] };
}

/** What v0.2's planner is given: all pending, the last wave reached. */
function pendingFleet(shape: FleetShape): { manifests: PlannerManifests; state: FleetState } {
  const channels = channelsOf(shape);
  const rollouts = channels.map((channel): RolloutRow => ({
    rolloutId: `${channel}@abc1234`,
    channel,
    currentWave: 2,
    budgets: budgetsOf(shape),
  }));
  const hostStates = rollouts.flatMap(({ rolloutId }, c) =>
    hostsOf(shape, c).map((host): HostRow => ({
      rolloutId,
      host,
      state: 'Pending',
      targetClosure: `/nix/store/${host}`,
      soakDueAt: NOW,
    })),
  );
  return {
    manifests: {
      fleet: fleetOf(shape),
      rollouts: new Map(channels.map((channel) => [channel, { channelRef: 'abc1234' }])),
    },
    state: { hostStates: shuffled(hostStates), rollouts: shuffled(rollouts) },
  };
}

/** The same fleet as the operator sees it; `reached` is the wave its rollouts are in. */
export function operatorFleet(shape: FleetShape, reached: number): FleetPlanInput {
  const channels = channelsOf(shape);
  const rollouts = channels.map((channel): PlanRollout => ({
    name: `${channel}-abc1234`,
    rolloutId: `${channel}@abc1234`,
    channel,
    attempt: 1,
    state: 'Active',
    currentWave: reached,
    opened: true,
    paused: false,
    budgets: budgetsOf(shape),
  }));
  const records = rollouts.flatMap(({ name: rollout }, c) =>
    hostsOf(shape, c).map((hostname): PlanRecord => ({
      name: `${rollout}.${hostname}`,
      rollout,
      hostname,
      attempt: 1,
      state: 'Pending',
      targetClosure: `/nix/store/${hostname}`,
      soakMinutes: 5,
      outstandingFailures: 0,
    })),
  );
  return {
    now: NOW,
    term: 1,
    settings: {
      offlinePolicy: 'Wait',
      artifactMaxAgeMs: 3_300_000,
      hostBusyMs: 600_000,
      supersededHoldGraceMs: 600_000,
      settleMaxMs: 330_000,
      toldAfterMs: 20_000,
      fleetHold: false,
    },
    topology: new FleetTopology(fleetOf(shape)),
    fleetSignedAt: NOW,
    manifests: new Map(channels.map((channel) => [channel, { channelRef: 'abc1234', signedAt: NOW }])),
    rollouts: shuffled(rollouts),
    records: shuffled(records),
    hosts: shuffled(
      records.map(({ hostname }) => ({
        hostname,
        closure: 'old',
        firstReportAt: NOW,
        settledTime: NOW,
        offline: false,
      })),
    ),
    quarantines: new Map(),
  };
}

function channelsOf(shape: FleetShape): string[] {
  return Array.from({ length: shape.rollouts }, (_, c) => `channel-${c}`);
}

function budgetsOf(shape: FleetShape): PlannerBudget[] {
  return Array.from({ length: shape.rollouts }, (_, c) => ({
    selector: { tags: [], tagsAny: [], hosts: [], channel: `channel-${c}`, all: false },
    hosts: hostsOf(shape, c),
    maxInFlight: shape.hosts,
    maxInFlightPct: null,
  }));
}

/** The order of names is not the order of a store: the same wrong one every time. */
function shuffled<T>(items: readonly T[]): T[] {
  const step = 7919;
  return items.flatMap((_, i) => items.slice((i * step) % items.length, ((i * step) % items.length) + 1));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  printRows([...benchPlan(), ...benchFleetPlan()]);
}
