import type { Timestamp } from '../../../src/api/time.ts';
import type {
  FleetPlanInput,
  PlanHost,
  PlanManifest,
  PlanMark,
  PlanRecord,
  PlanRollout,
  PlanSettings,
} from '../../../src/core/planner/fleet-input.ts';
import { FleetTopology } from '../../../src/core/planner/topology.ts';
import type { PlannerBudget, PlannerEdge, PlannerWave } from '../../../src/core/planner/types.ts';
import { minute, record, rollout, SETTINGS } from './fleet-fixture.ts';

/** Where a random fleet gets its chances from. */
export interface Chance {
  /** A whole number below `bound`. */
  below(bound: number): number;
}

/** Everything that a plan reads, by name, so that a test can change any part of it. */
export interface RandomFleet {
  now: Timestamp;
  minutes: number;
  term: number;
  settings: PlanSettings;
  topology: FleetTopology;
  manifests: ReadonlyMap<string, PlanManifest>;
  readonly channels: readonly string[];
  readonly quarantines: Map<string, Set<string>>;
  readonly rollouts: Map<string, PlanRollout>;
  readonly records: Map<string, PlanRecord>;
  readonly hosts: Map<string, PlanHost>;
}

const STATES = ['Activating', 'Soaking', 'Soaking', 'Converged', 'Converged', 'Deferred'] as const;
export const ROLLOUT_STATES = [
  'Active',
  'Active',
  'Converging',
  'Opening',
  'Terminal',
  'Superseded',
] as const;

export function oneIn(chance: Chance, bound: number): boolean {
  return chance.below(bound) === 0;
}

export function pick<T>(chance: Chance, items: readonly T[]): T {
  const item = items[chance.below(items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** The input of a plan of all of it; `turned` gives the lists the other way round. */
export function inputOf(fleet: RandomFleet, turned: boolean): FleetPlanInput {
  const list = <T>(table: ReadonlyMap<string, T>): T[] =>
    turned ? [...table.values()].toReversed() : [...table.values()];
  return {
    now: fleet.now,
    term: fleet.term,
    settings: fleet.settings,
    topology: fleet.topology,
    fleetSignedAt: minute(-10),
    manifests: fleet.manifests,
    rollouts: list(fleet.rollouts),
    records: list(fleet.records),
    hosts: list(fleet.hosts),
    quarantines: new Map([...fleet.quarantines].map(([channel, closures]) => [channel, new Set(closures)])),
  };
}

/** A fleet of up to three channels in the middle of its life. */
export function randomFleet(chance: Chance): RandomFleet {
  const channels = ['a', 'b', 'c'].slice(0, 1 + chance.below(3));
  const names = Array.from({ length: 3 + chance.below(10) }, (_, i) => `h${String(i).padStart(2, '0')}`);
  const channelOf = new Map(names.map((name) => [name, pick(chance, channels)]));
  const budgets = Array.from({ length: chance.below(3) }, (_, i) => randomBudget(chance, names, i));
  const fleet: RandomFleet = {
    now: minute(0),
    minutes: 0,
    term: 7,
    settings: { ...SETTINGS, offlinePolicy: pick(chance, ['Wait', 'Skip']) },
    topology: randomTopology(chance, channels, channelOf),
    manifests: new Map(channels.map((channel) => [channel, { channelRef: 'r1', signedAt: minute(-10) }])),
    channels,
    quarantines: new Map(),
    rollouts: new Map(),
    records: new Map(),
    hosts: new Map(),
  };
  for (const channel of channels) {
    addRollout(fleet, rollout({ name: `${channel}-r1`, rolloutId: `${channel}@r1`, channel, budgets }));
    if (oneIn(chance, 3)) {
      const own = oneIn(chance, 2) ? budgets : budgets.map((budget) => ({ ...budget, maxInFlight: 1 }));
      const old = { name: `${channel}-r0`, rolloutId: `${channel}@r0`, state: 'Superseded' as const };
      addRollout(fleet, rollout({ ...old, channel, budgets: own }));
    }
  }
  for (const [hostname, channel] of channelOf) {
    if (!oneIn(chance, 12)) fleet.hosts.set(hostname, randomHost(chance, fleet, hostname));
    for (const name of [`${channel}-r1`, `${channel}-r0`]) {
      if (fleet.rollouts.has(name) && !oneIn(chance, 12))
        addRecord(fleet, randomRecord(chance, fleet, name, hostname));
    }
    if (oneIn(chance, 20)) addRecord(fleet, randomRecord(chance, fleet, 'stray', hostname));
  }
  return fleet;
}

function addRollout(fleet: RandomFleet, added: PlanRollout): void {
  fleet.rollouts.set(added.name, added);
}

export function addRecord(fleet: RandomFleet, added: PlanRecord): void {
  fleet.records.set(added.name, added);
}

/** A record of a host in any state; of a host that has one in this rollout, the next try. */
export function randomRecord(
  chance: Chance,
  fleet: RandomFleet,
  rolloutName: string,
  hostname: string,
): PlanRecord {
  const tries = [...fleet.records.values()].filter(
    (known) => known.rollout === rolloutName && known.hostname === hostname,
  );
  const attempt = 1 + Math.max(0, ...tries.map((known) => known.attempt));
  const name = `${rolloutName}.${hostname}${attempt > 1 ? `.${attempt}` : ''}`;
  // Most hosts wait, or nothing would ever be let through.
  const state = oneIn(chance, 3) ? randomState(chance) : 'Pending';
  const fresh = record(hostname, { name, rollout: rolloutName, attempt, targetClosure: 'new' });
  return changedRecord(chance, fleet, fresh, state);
}

/** A failure now and then: it halts its rollout. */
export function randomState(chance: Chance): PlanRecord['state'] {
  if (oneIn(chance, 3)) return 'Pending';
  return oneIn(chance, 20) ? pick(chance, ['Failed', 'Reverted']) : pick(chance, STATES);
}

/** The same record in another state. */
export function changedRecord(
  chance: Chance,
  fleet: RandomFleet,
  { name, rollout: rolloutName, hostname, attempt, targetClosure, clearedAt }: PlanRecord,
  state: PlanRecord['state'],
): PlanRecord {
  const moment = (): Timestamp => minute(fleet.minutes - chance.below(24) / 2);
  const acked = state !== 'Pending' || oneIn(chance, 10);
  const marked = state === 'Activating' || (state === 'Pending' && oneIn(chance, 4));
  return {
    ...record(hostname, { name, rollout: rolloutName, attempt, targetClosure }),
    state,
    outstandingFailures: oneIn(chance, 12) ? 1 + chance.below(2) : 0,
    ...(acked && { dispatchAckedAt: moment() }),
    ...(marked && { dispatch: randomMark(chance, fleet, moment) }),
    ...((state === 'Soaking' || state === 'Converged' || marked) &&
      !oneIn(chance, 3) && { soakDueAt: moment() }),
    ...((clearedAt !== undefined || oneIn(chance, 25)) && { clearedAt: clearedAt ?? moment() }),
    ...(oneIn(chance, 20) && { reopenedAt: moment() }),
    ...(oneIn(chance, 20) && { countsOn: { toldAt: oneIn(chance, 2) ? undefined : moment() } }),
  };
}

function randomMark(chance: Chance, { term }: RandomFleet, moment: () => Timestamp): PlanMark {
  const mark = { queuedAt: moment(), term: oneIn(chance, 4) ? term - 1 : term };
  if (oneIn(chance, 3)) return mark;
  const deliveredAt = moment();
  return {
    ...mark,
    deliveredAt,
    ...(oneIn(chance, 2) && { lastDeliveredAt: moment() }),
    ...(oneIn(chance, 4) && { suspended: true }),
  };
}

export function randomHost(chance: Chance, { minutes }: RandomFleet, hostname: string): PlanHost {
  const firstReportAt = minute(minutes - chance.below(16) / 2);
  return {
    hostname,
    offline: oneIn(chance, 6),
    ...(!oneIn(chance, 8) && { closure: oneIn(chance, 6) ? 'new' : 'old' }),
    ...(!oneIn(chance, 4) && { closureSince: minute(minutes - chance.below(48) / 2) }),
    ...(!oneIn(chance, 8) && { firstReportAt }),
    ...(!oneIn(chance, 5) && { settledTime: firstReportAt }),
  };
}

function randomBudget(chance: Chance, names: readonly string[], index: number): PlannerBudget {
  // Two budgets now and then have the same selector: the first of them counts.
  const selector = { tags: [oneIn(chance, 4) ? 'shared' : `t${index}`] };
  const hosts = names.filter(() => !oneIn(chance, 4));
  if (oneIn(chance, 3)) return { selector, hosts, maxInFlightPct: pick(chance, [10, 25, 50]) };
  return { selector, hosts, maxInFlight: pick(chance, [0, 1, 1, 2, 2, 3, 3, 100]) };
}

function randomTopology(
  chance: Chance,
  channels: readonly string[],
  channelOf: ReadonlyMap<string, string>,
): FleetTopology {
  const names = [...channelOf.keys()];
  const waves: Record<string, PlannerWave[]> = {};
  for (const channel of channels) {
    const lists = Array.from({ length: chance.below(4) }, (): string[] => []);
    for (const name of names) {
      if (lists.length > 0 && channelOf.get(name) === channel && !oneIn(chance, 40))
        pick(chance, lists).push(name);
    }
    waves[channel] = lists.map((hosts) => ({ hosts, soakMinutes: 5 }));
  }
  const edge = (ends: readonly string[]): PlannerEdge => ({
    gates: pick(chance, ends),
    gated: pick(chance, ends),
  });
  const hosts = Object.fromEntries(
    names
      .filter(() => !oneIn(chance, 60))
      .map((name) => [name, { channel: channelOf.get(name) ?? '', closureHash: 'x' }]),
  );
  return new FleetTopology({
    hosts,
    waves,
    edges: Array.from({ length: chance.below(4) }, () => edge(names)),
    channelEdges: oneIn(chance, 2) ? [edge(channels)] : [],
  });
}
