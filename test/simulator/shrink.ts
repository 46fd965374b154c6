import type { FleetDesign } from './design.ts';
import type { Scenario } from './scenario.ts';

/** Whether a scenario still breaks the same rule. */
export type StillFails = (scenario: Scenario) => Promise<boolean>;

/** Other draws that are tried where a smaller scenario does not fail at once: leaving something out shifts them all. */
const RESEEDS = 3;

/**
 * A smaller scenario that breaks the same rule: fewer faults, hosts, releases, budgets and quirks of the weather, until
 * nothing can be left out any more or `runs` runs are spent.
 */
export async function shrink(start: Scenario, stillFails: StillFails, runs: number): Promise<Scenario> {
  let best = start;
  let left = runs;
  for (let progress = true; progress && left > 0;) {
    progress = false;
    for (const candidate of smaller(best)) {
      for (let reseed = 0; reseed < RESEEDS && left > 0; reseed += 1) {
        left -= 1;
        const tried = { ...candidate, seed: candidate.seed + reseed };
        if (!(await stillFails(tried))) continue;
        best = tried;
        progress = true;
        break;
      }
      if (progress) break;
    }
  }
  return best;
}

/** What can be left out, the most first. */
function* smaller(scenario: Scenario): Iterable<Scenario> {
  const { faults, releases, design, hosts, weather } = scenario;
  yield* without(faults).map((kept) => ({ ...scenario, faults: kept }));
  for (const { name } of design.channels) {
    const members = new Set(design.hosts.filter(({ channel }) => channel === name).map((host) => host.name));
    if (members.size < design.hosts.length) yield withoutHosts(scenario, members);
  }
  if (design.hosts.length > 1) {
    for (const { name } of design.hosts) yield withoutHosts(scenario, new Set([name]));
  }
  yield* without(releases)
    .filter((kept) => kept[0]?.atSeconds === 0)
    .map((kept) => ({ ...scenario, releases: kept }));
  for (const part of ['edges', 'channelEdges', 'budgets'] as const) {
    for (const kept of without<FleetDesign[typeof part][number]>(design[part])) {
      yield { ...scenario, design: { ...design, [part]: kept } };
    }
  }
  for (const [name, plan] of Object.entries(hosts)) {
    for (const member of ['lies', 'skewMs', 'quirks', 'probes', 'behaviour'] as const) {
      if (plan[member] === undefined) continue;
      const { [member]: _gone, ...rest } = plan;
      yield { ...scenario, hosts: { ...hosts, [name]: rest } };
    }
  }
  for (const member of ['slow', 'broken', 'stale'] as const) {
    if (weather[member] > 0) yield { ...scenario, weather: { ...weather, [member]: 0 } };
  }
}

/** The list without halves, quarters and single members of it. */
function without<Item>(items: readonly Item[]): Item[][] {
  const lists: Item[][] = [];
  for (let size = items.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < items.length; from += size) {
      lists.push([...items.slice(0, from), ...items.slice(from + size)]);
    }
  }
  return lists;
}

function withoutHosts(scenario: Scenario, gone: ReadonlySet<string>): Scenario {
  const { design } = scenario;
  const hosts = design.hosts.filter(({ name }) => !gone.has(name));
  const inhabited = new Set(hosts.map(({ channel }) => channel));
  const kept = (edge: { gates: string; gated: string }): boolean =>
    !gone.has(edge.gates) && !gone.has(edge.gated);
  return {
    ...scenario,
    design: {
      ...design,
      hosts,
      channels: design.channels
        .filter(({ name }) => inhabited.has(name))
        .map((channel) => ({
          ...channel,
          waves: channel.waves.map((wave) => wave.filter((name) => !gone.has(name))),
        })),
      edges: design.edges.filter(kept),
      channelEdges: design.channelEdges.filter(
        ({ gates, gated }) => inhabited.has(gates) && inhabited.has(gated),
      ),
    },
    hosts: Object.fromEntries(Object.entries(scenario.hosts).filter(([name]) => !gone.has(name))),
    faults: scenario.faults.filter(
      (fault) =>
        !('host' in fault && gone.has(fault.host)) && !('channel' in fault && !inhabited.has(fault.channel)),
    ),
  };
}
