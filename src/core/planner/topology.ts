import { ownMember } from '../own-member.ts';
import type { PlannerEdge, PlannerFleet, PlannerWave } from './types.ts';

const NONE: readonly never[] = [];

/**
 * What a verified fleet says about order: channels, waves and edges, ready to be asked by name.
 *
 * It depends on the fleet alone, so one topology serves every plan until another release is in force. Tables are built
 * when first asked for: a plan that touches one channel pays for one channel.
 */
export class FleetTopology {
  readonly #fleet: PlannerFleet;
  readonly #waveOf = new Map<string, ReadonlyMap<string, number>>();
  #built: ReadonlySet<string> | undefined;
  #predecessors: ReadonlyMap<string, readonly string[]> | undefined;
  #gating: ReadonlyMap<string, readonly string[]> | undefined;
  #gated: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(fleet: PlannerFleet) {
    this.#fleet = fleet;
  }

  /** The channel a host is declared on, undefined where the fleet does not know the host. */
  channelOf(host: string): string | undefined {
    return ownMember(this.#fleet.hosts, host)?.channel;
  }

  /** Whether a host of the channel has a closure, hence the channel ought to have a manifest (planner.md §8). */
  hasBuiltHost(channel: string): boolean {
    this.#built ??= new Set(
      Object.values(this.#fleet.hosts)
        .filter((host) => (host.closureHash ?? null) !== null)
        .map((host) => host.channel),
    );
    return this.#built.has(channel);
  }

  /** The waves of a channel; empty where it declares none. */
  waves(channel: string): readonly PlannerWave[] {
    return ownMember(this.#fleet.waves, channel) ?? NONE;
  }

  /** The first wave of the channel that lists the host. */
  waveOf(channel: string, host: string): number | undefined {
    let table = this.#waveOf.get(channel);
    if (table === undefined) {
      table = firstWaves(this.waves(channel));
      this.#waveOf.set(channel, table);
    }
    return table.get(host);
  }

  /** The channels that `channel` waits for, in declared order. */
  predecessorChannels(channel: string): readonly string[] {
    this.#predecessors ??= others(this.#fleet.channelEdges ?? NONE, 'gated', 'gates');
    return this.#predecessors.get(channel) ?? NONE;
  }

  /** The hosts that `host` waits for, in declared order, of any channel. */
  gatingHosts(host: string): readonly string[] {
    this.#gating ??= others(this.#fleet.edges ?? NONE, 'gated', 'gates');
    return this.#gating.get(host) ?? NONE;
  }

  /** The hosts that wait for `host`, in declared order, of any channel. */
  gatedHosts(host: string): readonly string[] {
    this.#gated ??= others(this.#fleet.edges ?? NONE, 'gates', 'gated');
    return this.#gated.get(host) ?? NONE;
  }
}

function firstWaves(waves: readonly PlannerWave[]): Map<string, number> {
  const table = new Map<string, number>();
  for (const [index, wave] of waves.entries()) {
    for (const host of wave.hosts) if (!table.has(host)) table.set(host, index);
  }
  return table;
}

/** By the name at one end of its edges: the names at the other ends. */
function others(
  edges: readonly PlannerEdge[],
  here: keyof PlannerEdge,
  there: keyof PlannerEdge,
): Map<string, string[]> {
  const table = new Map<string, string[]>();
  for (const edge of edges) {
    const known = table.get(edge[here]);
    if (known === undefined) table.set(edge[here], [edge[there]]);
    else known.push(edge[there]);
  }
  return table;
}
