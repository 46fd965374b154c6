import { z } from 'zod';
import { artifactTime, mapOf, uint32 } from '../../../src/api/artifacts/fields.ts';
import { fleetResolvedSchema } from '../../../src/api/artifacts/fleet-resolved.ts';
import { rolloutBudgetSchema } from '../../../src/api/artifacts/rollout-manifest.ts';
import { selectorSchema } from '../../../src/api/artifacts/selector.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { hostStateSchema } from '../../../src/api/wire/enums.ts';
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
  PlannerManifests,
  Quarantines,
  RolloutRow,
} from '../../../src/core/planner/types.ts';
import type { Op } from './op.ts';

const time = artifactTime.nullish().transform((value) => value ?? undefined);

const hostRow = z.object({
  rollout_id: z.string(),
  host: z.string(),
  state: hostStateSchema,
  target_closure: z.string(),
  dispatch_acked_at: time,
  soak_due_at: time,
});

const rolloutRow = z.object({
  rollout_id: z.string(),
  channel: z.string(),
  terminal_at: time,
  current_wave: uint32,
  budgets: z.array(rolloutBudgetSchema).nullish(),
});

/** The harness shapes of planner.md §1. */
const state = z.object({
  manifests: z.object({
    fleet: fleetResolvedSchema,
    rollouts: mapOf(z.object({ channelRef: z.string() })),
  }),
  fleet_state: z.object({
    host_states: z.array(hostRow),
    rollouts: z.array(rolloutRow),
    outstanding_failing_enforce_probes: mapOf(mapOf(z.number())).nullish(),
  }),
  quarantines: mapOf(z.array(z.string())).nullish(),
});

const planInput = state.extend({ now: artifactTime });

/** Which of the last members are there depends on the gate; one that a gate needs and lacks matches nothing. */
const gateInput = state.extend({
  gate: z.string(),
  rollout_id: z.string().default(''),
  host: z.string().default(''),
  channel: z.string().default(''),
  target_closure: z.string().default(''),
  tick_dispatched: z.array(z.object({ selector: selectorSchema, count: z.number() })).nullish(),
});

type State = z.infer<typeof state>;

/** The operations of plan_next.jsonl, gates.jsonl and advance_waves.jsonl. */
export const ops: Record<string, Op> = {
  plan_next: (input) => {
    const given = planInput.parse(input);
    const actions = planNext(
      manifestsOf(given),
      fleetStateOf(given),
      quarantinesOf(given.quarantines ?? {}),
      given.now,
    );
    return { actions: actions.map(printAction) };
  },
  gate: (input) => {
    const block = evaluateGate(gateInput.parse(input));
    return { block: block === null ? null : printBlock(block) };
  },
  advance_waves: (input) => {
    const given = state.parse(input);
    const { bumps, currentWave } = advanceWaves(manifestsOf(given), fleetStateOf(given));
    return {
      bumps: bumps.map(({ rolloutId, nextWave }) => ({ rollout_id: rolloutId, next_wave: nextWave })),
      current_wave: Object.fromEntries(currentWave),
    };
  },
};

function evaluateGate(given: z.infer<typeof gateInput>): Block | null {
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

function manifestsOf({ manifests }: State): PlannerManifests {
  return { fleet: manifests.fleet, rollouts: new Map(Object.entries(manifests.rollouts)) };
}

function fleetStateOf({ fleet_state: given }: State): FleetState {
  const failures = Object.entries(given.outstanding_failing_enforce_probes ?? {});
  return {
    hostStates: given.host_states.map((row): HostRow => ({
      rolloutId: row.rollout_id,
      host: row.host,
      state: row.state,
      targetClosure: row.target_closure,
      ...acknowledged(row.dispatch_acked_at),
      ...soaking(row.soak_due_at),
    })),
    rollouts: given.rollouts.map((row): RolloutRow => ({
      rolloutId: row.rollout_id,
      channel: row.channel,
      currentWave: row.current_wave,
      budgets: row.budgets ?? [],
      ...ended(row.terminal_at),
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

function acknowledged(at: Timestamp | undefined): Pick<HostRow, 'dispatchAckedAt'> {
  return at === undefined ? {} : { dispatchAckedAt: at };
}

function soaking(at: Timestamp | undefined): Pick<HostRow, 'soakDueAt'> {
  return at === undefined ? {} : { soakDueAt: at };
}

function ended(at: Timestamp | undefined): Pick<RolloutRow, 'terminalAt'> {
  return at === undefined ? {} : { terminalAt: at };
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
    default:
      throw new Error(`no such action: ${JSON.stringify(action satisfies never)}`);
  }
}

function printBlock({ kind, gate, reason, ...members }: Block): object {
  const printed = Object.entries(members).map(([name, value]): [string, unknown] => [snakeCase(name), value]);
  return Object.fromEntries<unknown>([['kind', kind], ['gate', gate], ['reason', reason], ...printed]);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
