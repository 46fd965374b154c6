import { ArtifactVerifier } from '../../../src/agent/artifacts.ts';
import type { HostBehaviour, ProbeDeclaration } from '../../../src/agent/behaviour.ts';
import type { AgentFeedEntry } from '../../../src/agent/feed.ts';
import { SimulatedHost } from '../../../src/agent/simulated-host.ts';
import { mintAgentCertificate } from '../../../src/dev/agent-ca.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { SUFFIX } from '../../support/agent-port.ts';
import { trustIn } from '../../support/release.ts';
import { priorOf, targetOf, type SmallFleet } from '../../support/small-fleet.ts';
import type { OperatorRoom } from './operator-room.ts';

/** The closure that fails its probe wherever it runs. */
export const BAD = `${'b'.repeat(32)}-nixos-system-beta-26.05`;

/** Names with numbers: `numbered('a', 1, 3)` is a-01, a-02, a-03. */
export function numbered(prefix: string, from: number, to: number): string[] {
  return Array.from(
    { length: to - from + 1 },
    (_, index) => `${prefix}-${String(from + index).padStart(2, '0')}`,
  );
}

/** Fifty hosts in eight channels, each channel for one way in which hosts can stand when everything is lost. */
export const RECOVERY_FLEET: SmallFleet = {
  channels: {
    alpha: { waves: [numbered('a', 1, 6), numbered('a', 7, 12), numbered('a', 13, 18)] },
    // Without a soak an agent may converge before its first probe has run, as real ones may.
    beta: {
      waves: [numbered('b', 1, 4), numbered('b', 5, 11)],
      onHealthFailure: 'rollback-and-halt',
      soakMinutes: 2,
    },
    delta: { waves: [numbered('d', 1, 4)] },
    epsilon: { waves: [numbered('e', 1, 5)] },
    gamma: { waves: [['g-01', 'g-02'], ['g-03']] },
    omega: { waves: [['o-01', 'o-02'], ['o-03']] },
    soak: {
      waves: [
        ['s-01', 's-02'],
        ['s-03', 's-04'],
      ],
      soakMinutes: 30,
    },
    zeta: { waves: [['z-01', 'z-02']] },
  },
  channelEdges: [['beta', 'epsilon']],
  edges: [['b-03', 'b-04']],
  budgets: [{ hosts: ['z-01', 'z-02'], max: 0 }],
  targets: { 'b-03': BAD, 'b-04': BAD },
};

/** Every host of the fleet. */
export const ALL_HOSTS: readonly string[] = Object.values(RECOVERY_FLEET.channels).flatMap(({ waves }) =>
  waves.flat(),
);

/** Hosts that run their target before anybody tells them to. */
const ON_TARGET_FROM_THE_START: ReadonlySet<string> = new Set(['b-11', 'z-01', ...numbered('e', 1, 4)]);

/** What a host shall run. */
export function wantedOf(host: string): string {
  return RECOVERY_FLEET.targets?.[host] ?? targetOf(host);
}

function behaviourOf(host: string): HostBehaviour {
  if (host === 'b-03' || host === 'b-04') return { failsProbes: [{ probe: 'nginx', closures: [BAD] }] };
  if (host === 'g-01') return { failsToActivate: { exitCode: 1, stderrTail: 'no space left on device' } };
  // Their switch ends when the test says so.
  if (host.startsWith('d-')) return { switchSeconds: 100_000 };
  return {};
}

function probesOf(host: string): readonly ProbeDeclaration[] {
  return host.startsWith('b-') ? [{ name: 'nginx', kind: 'http', mode: 'enforce' }] : [];
}

/** The simulated hosts of the fleet and all that they did. */
export class RecoveryHosts {
  readonly feed: AgentFeedEntry[] = [];
  readonly #hosts = new Map<string, SimulatedHost>();

  /** Makes the hosts, each with a certificate of its own; none is started. */
  static async of(room: OperatorRoom): Promise<RecoveryHosts> {
    const all = new RecoveryHosts();
    const verifier = new ArtifactVerifier(trustIn());
    for (const hostname of ALL_HOSTS) {
      const certificate = await mintAgentCertificate(room.agentCa, { machineId: hostname, suffix: SUFFIX });
      const host = new SimulatedHost({
        hostname,
        closure: ON_TARGET_FROM_THE_START.has(hostname) ? wantedOf(hostname) : priorOf(hostname),
        identity: {
          controlPlaneUrl: `https://127.0.0.1:${room.agentPort}`,
          caPem: room.agentCa.certPem,
          ...certificate,
        },
        verifier,
        probes: probesOf(hostname),
        behaviour: behaviourOf(hostname),
        clock: room.clock,
        feed: (entry) => void all.feed.push(entry),
      });
      all.#hosts.set(hostname, host);
    }
    return all;
  }

  get(name: string): SimulatedHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  start(names: readonly string[]): void {
    for (const name of names) this.get(name).start();
  }

  /** Waits until nobody has anything under way but held polls: a leap would let it time out. */
  async untilQuiet(): Promise<void> {
    for (let before = -1; before !== this.feed.length || (await this.#owing()) > 0;) {
      before = this.feed.length;
      await systemClock.sleep(200);
    }
  }

  /** Hosts whose agent runs. */
  online(): string[] {
    return [...this.#hosts.values()]
      .filter(({ agent }) => agent !== undefined)
      .map(({ hostname }) => hostname);
  }

  /** Running agents that have not fetched their channel's policy yet: those drop a dispatch without a word. */
  uninformed(): string[] {
    const channels = Object.entries(RECOVERY_FLEET.channels);
    return [...this.#hosts.values()]
      .filter(({ hostname, agent }) => {
        const channel = channels.find(([, { waves }]) => waves.flat().includes(hostname))?.[0] ?? '';
        return agent !== undefined && agent.parts.reducer.policy(channel) === undefined;
      })
      .map(({ hostname }) => hostname);
  }

  /** How often each host of the list did something since entry `since` of the feed. */
  count(type: AgentFeedEntry['type'], names: readonly string[], since = 0): Record<string, number> {
    const counts = Object.fromEntries(names.map((name) => [name, 0]));
    for (const entry of this.feed.slice(since)) {
      if (entry.type === type && entry.host in counts) counts[entry.host] = (counts[entry.host] ?? 0) + 1;
    }
    return counts;
  }

  async #owing(): Promise<number> {
    const outboxes = await Promise.all([...this.#hosts.values()].map(({ machine }) => machine.outbox.list()));
    return outboxes.reduce((sum, waiting) => sum + waiting.length, 0);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.stop()));
  }
}
