import { parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import { advanceWaves } from '../../../src/core/planner/advance-waves.ts';
import type { Block } from '../../../src/core/planner/gates/block.ts';
import { channelEdges } from '../../../src/core/planner/gates/channel-edges.ts';
import { complianceWave } from '../../../src/core/planner/gates/compliance-wave.ts';
import { disruptionBudget } from '../../../src/core/planner/gates/disruption-budget.ts';
import { evaluateForDispatch } from '../../../src/core/planner/gates/evaluate.ts';
import { hostEdge } from '../../../src/core/planner/gates/host-edge.ts';
import { quarantine } from '../../../src/core/planner/gates/quarantine.ts';
import { wavePromotion } from '../../../src/core/planner/gates/wave-promotion.ts';
import { PlanIndex } from '../../../src/core/planner/plan-index.ts';
import { planNext } from '../../../src/core/planner/plan-next.ts';
import { type PlannerSelector, selectorKey } from '../../../src/core/planner/selector.ts';
import type {
  FleetState,
  HostRow,
  PlanAction,
  PlannerBudget,
  PlannerEdge,
  PlannerFleet,
  PlannerHostState,
  PlannerManifests,
  Quarantines,
  RolloutRow,
} from '../../../src/core/planner/types.ts';
import type { Op } from './op.ts';

/** The harness shapes of planner.md §1. The fleet and manifests are verified documents that may leave out defaults. */
interface Input {
  manifests: {
    fleet: Omit<PlannerFleet, 'channelEdges'> & { channelEdges?: EdgeDocument[] };
    rollouts: Record<string, { channelRef: string }>;
  };
  fleet_state: {
    host_states: {
      rollout_id: string;
      host: string;
      state: PlannerHostState;
      target_closure: string;
      dispatch_acked_at?: string | null;
      soak_due_at?: string | null;
    }[];
    rollouts: {
      rollout_id: string;
      channel: string;
      terminal_at?: string | null;
      current_wave: number;
      budgets?: PlannerBudget[] | null;
    }[];
    outstanding_failing_enforce_probes?: Record<string, Record<string, number>> | null;
  };
  quarantines?: Record<string, string[]> | null;
  now: string;
  gate: string;
  rollout_id: string;
  host: string;
  channel: string;
  target_closure: string;
  tick_dispatched?: { selector: PlannerSelector; count: number }[] | null;
}

interface EdgeDocument {
  gates?: string;
  before?: string;
  gated?: string;
  after?: string;
}

/** The operations of plan_next.jsonl, gates.jsonl and advance_waves.jsonl. */
export const ops: Record<string, Op> = {
  plan_next: (input) => {
    const given = input as Input;
    const now = timeOf(given.now);
    if (now === undefined) throw new Error('"now" is no timestamp');
    const actions = planNext(
      manifestsOf(given),
      fleetStateOf(given),
      quarantinesOf(given.quarantines ?? {}),
      now,
    );
    return { actions: actions.map(printAction) };
  },
  gate: (input) => {
    const block = evaluateGate(input as Input);
    return { block: block === null ? null : printBlock(block) };
  },
  advance_waves: (input) => {
    const given = input as Input;
    const { bumps, currentWave } = advanceWaves(manifestsOf(given), fleetStateOf(given));
    return {
      bumps: bumps.map(({ rolloutId, nextWave }) => ({ rollout_id: rolloutId, next_wave: nextWave })),
      current_wave: Object.fromEntries(currentWave),
    };
  },
};

function evaluateGate(given: Input): Block | null {
  const { rollout_id: rollout, host, channel, target_closure: targetClosure } = given;
  const index = new PlanIndex(
    manifestsOf(given),
    fleetStateOf(given),
    quarantinesOf(given.quarantines ?? {}),
    dispatchedOf(given.tick_dispatched ?? []),
  );
  switch (given.gate) {
    case 'quarantine':
      return quarantine(index, channel, targetClosure);
    case 'channel_edges':
      return channelEdges(index, channel);
    case 'wave_promotion':
      return wavePromotion(index, rollout, host);
    case 'host_edges':
      return hostEdge(index, rollout, host);
    case 'disruption_budget':
      return disruptionBudget(index, rollout, host);
    case 'compliance_wave':
      return complianceWave(index, rollout, host);
    case 'evaluate_for_dispatch':
      return evaluateForDispatch(index, { rollout, channel, host, targetClosure });
    default:
      throw new Error(`unknown gate "${given.gate}"`);
  }
}

function manifestsOf({ manifests }: Input): PlannerManifests {
  const { channelEdges: edges = [], ...rest } = manifests.fleet;
  const fleet: PlannerFleet = { ...rest, channelEdges: edges.map(edgeOf) };
  return { fleet, rollouts: new Map(Object.entries(manifests.rollouts)) };
}

function edgeOf({ gates, before, gated, after }: EdgeDocument): PlannerEdge {
  return { gates: gates ?? before ?? '', gated: gated ?? after ?? '' };
}

function fleetStateOf({ fleet_state: state }: Input): FleetState {
  const failures = Object.entries(state.outstanding_failing_enforce_probes ?? {});
  return {
    hostStates: state.host_states.map((row): HostRow => ({
      rolloutId: row.rollout_id,
      host: row.host,
      state: row.state,
      targetClosure: row.target_closure,
      ...given('dispatchAckedAt', timeOf(row.dispatch_acked_at)),
      ...given('soakDueAt', timeOf(row.soak_due_at)),
    })),
    rollouts: state.rollouts.map((row): RolloutRow => ({
      rolloutId: row.rollout_id,
      channel: row.channel,
      currentWave: row.current_wave,
      budgets: row.budgets ?? [],
      ...given('terminalAt', timeOf(row.terminal_at)),
    })),
    outstandingFailures: new Map(
      failures.map(([rollout, hosts]) => [rollout, new Map(Object.entries(hosts))]),
    ),
  };
}

function quarantinesOf(quarantines: Record<string, string[]>): Quarantines {
  return new Map(Object.entries(quarantines).map(([channel, closures]) => [channel, new Set(closures)]));
}

function dispatchedOf(counts: readonly { selector: PlannerSelector; count: number }[]): Map<string, number> {
  return new Map(counts.map(({ selector, count }) => [selectorKey(selector), count]));
}

function timeOf(text: string | null | undefined): Timestamp | undefined {
  if (text === null || text === undefined) return undefined;
  const time = parseTimestamp(text);
  if (time === undefined) throw new Error(`"${text}" is no timestamp`);
  return time;
}

/** A member only where it has a value. */
function given<K extends string, T>(name: K, value: T | undefined): { [key in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: T };
}

function printAction(action: PlanAction): object {
  switch (action.type) {
    case 'OpenRollout': {
      const { type, channel, rolloutId, targetRef } = action;
      return { type, channel, rollout_id: rolloutId, target_ref: targetRef };
    }
    case 'DeferDispatch':
      return action;
    case 'QueueDispatch': {
      const { type, rollout, host, targetClosure, soakDueAt } = action;
      return { type, rollout, host, target_closure: targetClosure, soak_due_at: soakDueAt };
    }
  }
}

function printBlock({ kind, gate, reason, ...members }: Block): object {
  const printed = Object.entries(members).map(([name, value]) => [snakeCase(name), value]);
  return { kind, gate, reason, ...(Object.fromEntries(printed) as object) };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
