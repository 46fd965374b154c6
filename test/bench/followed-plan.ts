import { addMillis } from '../../src/api/time.ts';
import type { FleetPlanChanges, FleetPlanInput, PlanRecord } from '../../src/core/planner/fleet-input.ts';
import { FleetPlanMemory } from '../../src/core/planner/fleet-plan-memory.ts';
import { planFleet } from '../../src/core/planner/fleet-plan.ts';
import type { Figure } from './goals.ts';
import { bestOf, operatorFleet } from './plan.ts';

const SMALL = 1_000;
const LARGE = 10_000;
const PLANS_PER_ROUND = 20;
/** Rounds for the plan of everything, and for those that follow one host. */
const ROUNDS = { whole: 20, followed: 200 };

/**
 * What a plan costs where one host changed, in fleets whose first wave is switching while two thirds are held: against
 * the plan of everything in the same run, and the large fleet against the small one.
 */
export function benchFollowedPlan(): Figure[] {
  const small = oneHostChanged(SMALL);
  const large = oneHostChanged(LARGE);
  const ofOne = (hosts: number) => `one of ${hosts} hosts changed`;
  return [
    { name: ofOne(SMALL), measured: small.followedMillis, goal: small.wholeMillis / 100, unit: 'ms' },
    { name: ofOne(LARGE), measured: large.followedMillis, goal: large.wholeMillis / 100, unit: 'ms' },
    {
      name: `one of ${LARGE} hosts changed, of one of ${SMALL}`,
      measured: large.followedMillis / small.followedMillis,
      goal: 3,
      unit: 'times',
    },
    {
      name: `plan of ${LARGE} hosts, of one where one changed`,
      measured: large.wholeMillis / large.followedMillis,
      goal: 100,
      unit: 'times',
      atLeast: true,
    },
  ];
}

function oneHostChanged(hosts: number): { readonly wholeMillis: number; readonly followedMillis: number } {
  const input = switching(operatorFleet({ hosts, rollouts: 8 }, 0));
  const { records, hosts: known, ...frame } = input;
  const memory = new FleetPlanMemory(input);
  const moving = records.filter(({ state }) => state === 'Activating');
  const hostOf = new Map(known.map((host) => [host.hostname, host]));
  let plans = 0;
  const followOne = (): void => {
    const record = moving[plans % moving.length];
    const host = record && hostOf.get(record.hostname);
    if (record === undefined || host === undefined) throw new Error('no host is switching');
    // Every host moves on once, and then back.
    const state = Math.floor(plans / moving.length) % 2 === 0 ? 'Soaking' : 'Activating';
    plans++;
    const changes: FleetPlanChanges = {
      ...frame,
      now: addMillis(frame.now, plans),
      records: new Map([[record.name, { ...record, state }]]),
      hosts: new Map([[host.hostname, { ...host, closure: `${state}-${plans}` }]]),
    };
    const { visited } = memory.update(changes);
    if (visited?.size !== 1) throw new Error(`looked at ${visited?.size ?? 'everything'}`);
  };
  return {
    wholeMillis: bestOf(ROUNDS.whole, () => void planFleet(input)),
    followedMillis:
      bestOf(ROUNDS.followed, () => {
        for (let i = 0; i < PLANS_PER_ROUND; i++) followOne();
      }) / PLANS_PER_ROUND,
  };
}

/** The same fleet some minutes later: what its first plan marks is switching. */
function switching(input: FleetPlanInput): FleetPlanInput {
  const marked = new Set(planFleet(input).marks.map(({ record }) => record.name));
  const records = input.records.map((record): PlanRecord =>
    marked.has(record.name) ? { ...record, state: 'Activating', dispatchAckedAt: input.now } : record,
  );
  return { ...input, records };
}
