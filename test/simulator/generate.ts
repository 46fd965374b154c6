import type { HostBehaviour, ProbeDeclaration } from '../../src/agent/behaviour.ts';
import { closureOf, type BudgetDesign, type ChannelDesign, type Edge, type FleetDesign } from './design.ts';
import { Prng } from './prng.ts';
import type { Fault, HostPlan, Scenario } from './scenario.ts';

/** What kinds of trouble a run has. */
interface Trouble {
  /** Hosts that fail to switch, or whose probes fail. */
  readonly failing: boolean;
  /** Processes that die or stop, agents that do, caches that lag, answers that get lost. */
  readonly rough: boolean;
  readonly lying: boolean;
  readonly wiped: boolean;
  /** People who hold, pause, clear and retry. */
  readonly meddling: boolean;
  readonly offline: boolean;
}

const PROBES: readonly ProbeDeclaration[] = [{ name: 'web', kind: 'http', mode: 'enforce' }];

/** The scenario of a seed: mostly a handful of hosts, now and then up to `largest`. */
export function scenarioOf(seed: number, largest = 200): Scenario {
  const prng = new Prng(seed * 7_919 + 17);
  const trouble: Trouble = {
    failing: prng.chance(0.3),
    rough: prng.chance(0.6),
    lying: prng.chance(0.12),
    wiped: prng.chance(0.12),
    meddling: prng.chance(0.15),
    offline: prng.chance(0.3),
  };
  const design = designOf(prng, hostCount(prng, largest));
  const releases = releasesOf(prng, design);
  const faults = faultsOf(prng, design, trouble, releases.at(-1)?.atSeconds ?? 0);
  const hosts = Object.fromEntries(design.hosts.map(({ name }) => [name, planOf(prng, name, trouble)]));
  const policy = prng.chance(0.4) ? 'Skip' : 'Wait';
  const { failing, lying, meddling } = trouble;
  return {
    seed,
    minutes: 150,
    design,
    offline: { after: prng.pick(['3m', '5m', '15m']), policy },
    hosts,
    releases,
    signsEveryMinutes: 30,
    faults: faults.toSorted((a, b) => a.atSeconds - b.atSeconds),
    weather: {
      slow: trouble.rough ? prng.pick([0, 0.02, 0.1]) : 0,
      broken: trouble.rough ? prng.pick([0, 0.005, 0.02]) : 0,
      stale: trouble.rough ? prng.pick([0, 0.02, 0.15]) : 0,
    },
    promises: { ends: !failing && !lying && !meddling },
  };
}

function hostCount(prng: Prng, largest: number): number {
  const size = prng.next();
  if (size < 0.85) return prng.int(1, 4);
  if (size < 0.985) return prng.int(5, 12);
  return Math.min(largest, size < 0.998 ? prng.int(13, 40) : prng.int(41, 200));
}

function designOf(prng: Prng, count: number): FleetDesign {
  const channelNames = ['edge', 'stable', 'lab'].slice(0, Math.min(count, prng.int(1, 3)));
  const hosts = Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    channel: channelNames[index % channelNames.length] ?? 'edge',
    tags: prng.chance(0.5) ? ['web'] : ['db'],
  }));
  const channels = channelNames.map((name): ChannelDesign => {
    const members = hosts.filter(({ channel }) => channel === name).map((host) => host.name);
    return {
      name,
      waves: wavesOf(prng, members),
      soakMinutes: prng.pick([0, 0, 1, 2, 4]),
      onHealthFailure: prng.chance(0.6) ? 'rollback-and-halt' : 'halt',
    };
  });
  return {
    hosts,
    channels,
    edges: prng.chance(0.3) ? edgesOf(prng, hosts) : [],
    channelEdges: channelEdgesOf(prng, channelNames),
    budgets: budgetsOf(prng),
  };
}

function wavesOf(prng: Prng, members: readonly string[]): string[][] {
  if (prng.chance(0.15)) return [];
  const count = prng.int(1, 3);
  const waves: string[][] = Array.from({ length: count }, () => []);
  for (const name of members) {
    // A host that no wave lists can never be let through: the Fleet has to say Deadlocked.
    if (!prng.chance(0.03)) waves[prng.int(0, count - 1)]?.push(name);
  }
  return waves;
}

function edgesOf(prng: Prng, hosts: FleetDesign['hosts']): Edge[] {
  const edges: Edge[] = [];
  for (let left = prng.int(1, 2); left > 0; left -= 1) {
    const gated = prng.pick(hosts);
    const others = hosts.filter(({ name, channel }) => channel === gated.channel && name !== gated.name);
    if (others.length > 0) edges.push({ gates: prng.pick(others).name, gated: gated.name });
  }
  return edges;
}

function channelEdgesOf(prng: Prng, names: readonly string[]): Edge[] {
  const edges: Edge[] = [];
  for (let index = 1; index < names.length; index += 1) {
    if (prng.chance(0.4)) edges.push({ gates: names[index - 1] ?? '', gated: names[index] ?? '' });
  }
  return edges;
}

function budgetsOf(prng: Prng): BudgetDesign[] {
  const budgets: BudgetDesign[] = [];
  if (prng.chance(0.5)) budgets.push({ tag: 'web', maxInFlight: prng.pick([1, 1, 2, 3]) });
  if (prng.chance(0.3)) budgets.push({ tag: undefined, maxInFlightPct: prng.pick([10, 25, 50]) });
  if (prng.chance(0.2)) budgets.push({ tag: 'db', maxInFlight: prng.int(1, 2), maxInFlightPct: 50 });
  return budgets;
}

/** Commits come one after the other; an earlier one can come back. */
function releasesOf(prng: Prng, design: FleetDesign): Scenario['releases'] {
  const releases: { commit: number; atSeconds: number; without?: string[] }[] = [{ commit: 1, atSeconds: 0 }];
  let at = 0;
  const more = prng.pick([0, 0, 0, 1, 1, 2, 3]);
  for (let index = 0; index < more; index += 1) {
    at += soon(prng, 20, 700);
    const commit = prng.chance(0.3) ? prng.int(1, index + 1) : index + 2;
    const without = prng.chance(0.05) ? [prng.pick(design.hosts).name] : undefined;
    releases.push({ commit, atSeconds: at, ...(without !== undefined && { without }) });
  }
  return releases;
}

/** A number of seconds: mostly a few minutes at most, now and then as many as `max`, while a run waits and costs time. */
function soon(prng: Prng, min: number, max: number): number {
  return prng.chance(0.25) ? prng.int(min, max) : prng.int(min, Math.max(min, Math.min(max, 240)));
}

function faultsOf(prng: Prng, design: FleetDesign, trouble: Trouble, last: number): Fault[] {
  const faults: Fault[] = [];
  const sometime = (): number => prng.int(5, last + 300);
  const anyHost = (): string => prng.pick(design.hosts).name;
  const who = (): 'leader' | 'other' => (prng.chance(0.75) ? 'leader' : 'other');
  if (trouble.rough) {
    for (let left = prng.int(0, 3); left > 0; left -= 1) {
      faults.push({ kind: 'kill', atSeconds: sometime(), who: who() });
    }
    for (let left = prng.int(0, 2); left > 0; left -= 1) {
      faults.push({ kind: 'pause', atSeconds: sometime(), who: who(), seconds: prng.int(2, 60) });
    }
    for (let left = prng.int(0, 3); left > 0; left -= 1) {
      const seconds = prng.int(1, 90);
      faults.push({ kind: 'restart-agent', atSeconds: sometime(), host: anyHost(), seconds });
    }
  }
  if (trouble.offline) {
    for (let left = prng.int(1, 3); left > 0; left -= 1) {
      faults.push({
        kind: 'offline',
        atSeconds: sometime(),
        host: anyHost(),
        seconds: soon(prng, 20, 1_500),
      });
    }
  }
  if (trouble.wiped) faults.push({ kind: 'wipe', atSeconds: sometime() });
  if (trouble.meddling) faults.push(...interventions(prng, design, sometime));
  return faults;
}

function interventions(prng: Prng, design: FleetDesign, sometime: () => number): Fault[] {
  const channel = prng.pick(design.channels).name;
  const host = prng.pick(design.hosts).name;
  const at = sometime();
  return prng.pick<Fault[]>([
    [
      { kind: 'hold', atSeconds: at, on: true },
      { kind: 'hold', atSeconds: at + prng.int(10, 400), on: false },
    ],
    [
      { kind: 'pause-rollout', atSeconds: at, channel, on: true },
      { kind: 'pause-rollout', atSeconds: at + prng.int(10, 400), channel, on: false },
    ],
    [{ kind: 'clear', atSeconds: at + 600, channel, hosts: prng.chance(0.5) ? [] : [host] }],
    [
      { kind: 'retry', atSeconds: at + 600, host },
      { kind: 'lift-quarantines', atSeconds: at + 620 },
    ],
  ]);
}

function planOf(prng: Prng, name: string, trouble: Trouble): HostPlan {
  const behaviour: HostBehaviour = {
    switchSeconds: prng.pick([1, 2, 5, 20, 60]),
    ...(prng.chance(0.1) && { restartsInSwitch: { downSeconds: prng.int(1, 30) } }),
    ...(prng.chance(0.05) && { defers: { component: 'kernel', rebootAfterSeconds: prng.int(30, 400) } }),
    ...(trouble.failing && prng.chance(0.3) && failureOf(prng, name)),
  };
  return {
    closureCommit: prng.chance(0.1) ? 1 : 0,
    behaviour,
    ...(prng.chance(0.3) && { probes: PROBES }),
    ...(prng.chance(0.1) && { skewMs: prng.pick([-30_000, -2_000, 2_000, 30_000]) }),
    ...(prng.chance(0.3) && { quirks: { losesRollbackReport: false, acksWithTarget: false } }),
    ...(trouble.lying && prng.chance(0.5) && { lies: true }),
  };
}

function failureOf(prng: Prng, name: string): HostBehaviour {
  const closures = [closureOf(name, prng.int(1, 2))];
  return prng.chance(0.5)
    ? { failsToActivate: { closures, exitCode: 1, stderrTail: 'unit failed' } }
    : { failsProbes: [{ probe: 'web', closures }] };
}
