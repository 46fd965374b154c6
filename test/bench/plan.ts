import { pathToFileURL } from 'node:url';

import { timestampFromMillis } from '../../src/api/time.ts';
import { advanceWaves } from '../../src/core/planner/advance-waves.ts';
import { planNext } from '../../src/core/planner/plan-next.ts';
import type {
  FleetState,
  HostRow,
  PlannerBudget,
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

interface Shape {
  readonly hosts: number;
  readonly rollouts: number;
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

/** The hosts of channel `c`, shuffled the way a store hands them out: not in order of name. */
function hostsOf(shape: Shape, channel: number): string[] {
  const names: string[] = [];
  for (let i = channel; i < shape.hosts; i += shape.rollouts)
    names.push(`host-${String(i).padStart(5, '0')}`);
  return names;
}

function pendingFleet(shape: Shape): { manifests: PlannerManifests; state: FleetState } {
  const hosts: Record<string, { channel: string }> = {};
  const waves: Record<string, readonly PlannerWave[]> = {};
  const rollouts = new Map<string, { channelRef: string }>();
  const rows: HostRow[] = [];
  const rolloutRows: RolloutRow[] = [];
  for (let c = 0; c < shape.rollouts; c++) {
    const channel = `channel-${c}`;
    const names = hostsOf(shape, c);
    const third = Math.ceil(names.length / 3);
    waves[channel] = [0, 1, 2].map((w) => ({
      hosts: names.slice(w * third, (w + 1) * third),
      soakMinutes: 5,
    }));
    rollouts.set(channel, { channelRef: 'abc1234' });
    const rolloutId = `${channel}@abc1234`;
    rolloutRows.push({ rolloutId, channel, currentWave: 2, budgets: budgetsOf(shape) });
    for (const host of names) {
      hosts[host] = { channel };
      rows.push({ rolloutId, host, state: 'Pending', targetClosure: `/nix/store/${host}`, soakDueAt: NOW });
    }
  }
  return {
    manifests: { fleet: { hosts, waves, edges: [], channelEdges: [] }, rollouts },
    state: { hostStates: shuffled(rows), rollouts: shuffled(rolloutRows) },
  };
}

function budgetsOf(shape: Shape): PlannerBudget[] {
  return Array.from({ length: shape.rollouts }, (_, c) => ({
    selector: { tags: [], tagsAny: [], hosts: [], channel: `channel-${c}`, all: false },
    hosts: hostsOf(shape, c),
    maxInFlight: shape.hosts,
    maxInFlightPct: null,
  }));
}

/** The same wrong order every time. */
function shuffled<T>(items: readonly T[]): T[] {
  const step = 7919;
  return items.flatMap((_, i) => items.slice((i * step) % items.length, ((i * step) % items.length) + 1));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  printRows(benchPlan());
}
