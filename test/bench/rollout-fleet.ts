import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import { agentConstants, type AgentConstants } from '../../src/agent/constants.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import { mintAgentCertificate } from '../../src/dev/agent-ca.ts';
import { CN_SUFFIX, type Installation } from '../../src/dev/local/installation.ts';
import { releaseDocuments, type FleetDesign, type ReleaseDocuments } from '../../src/dev/local/release.ts';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';

/** What every host runs at first, and what it is taken to. */
export const FIRST_RELEASE = '25.11';
export const SECOND_RELEASE = '26.05';

/** The commit of a release. */
export function commitOf(release: string): string {
  return sha256Hex(release).slice(0, 40);
}

/** Agents that never make the operator wait: their pauses are short, their heartbeats as rare as ever. */
const EAGER: AgentConstants = {
  ...agentConstants,
  advanceTickEvery: 250,
  switchPollEvery: 100,
  pollErrorPause: 250,
  heartbeatErrorPause: 1_000,
  outboxRetryEvery: 1_000,
};

function hostName(index: number): string {
  return `host-${String(index).padStart(5, '0')}`;
}

function closureOf(host: string, release: string): string {
  return `${sha256Hex(`${host} ${release}`).slice(0, 32)}-nixos-system-${host}-${release}`;
}

/** A fleet of so many hosts in one channel and three waves: a tenth, four tenths, the rest. */
export function benchFleet(hosts: number): FleetDesign {
  const names = Array.from({ length: hosts }, (_, index) => hostName(index));
  const [first, second] = [Math.ceil(hosts / 10), Math.ceil(hosts / 2)];
  return {
    hosts: names.map((name) => ({ name, channel: 'stable', tags: ['all'] })),
    waves: { stable: [names.slice(0, first), names.slice(first, second), names.slice(second)] },
    soakMinutes: 0,
    onHealthFailure: 'rollback-and-halt',
    channelEdges: [],
    budgets: [{ tag: 'all', maxInFlight: hosts }],
  };
}

/** The documents of one of its releases. */
export function benchRelease(
  fleet: FleetDesign,
  release: string,
): { commit: string; documents: ReleaseDocuments } {
  const commit = commitOf(release);
  const documents = releaseDocuments(fleet, {
    commit,
    signedAt: new Date().toISOString(),
    closureOf: (host) => closureOf(host, release),
  });
  return { commit, documents };
}

/** Its hosts, each with a certificate of its own and one probe; none is started. */
export async function benchHosts(
  installation: Installation,
  controlPlaneUrl: string,
  fleet: FleetDesign,
): Promise<SimulatedHost[]> {
  const verifier = new ArtifactVerifier(installation.trust);
  const hosts: SimulatedHost[] = [];
  for (const { name } of fleet.hosts) {
    const certificate = await mintAgentCertificate(installation.agentCa, {
      machineId: name,
      suffix: CN_SUFFIX,
    });
    hosts.push(
      new SimulatedHost({
        hostname: name,
        closure: closureOf(name, FIRST_RELEASE),
        identity: { controlPlaneUrl, caPem: installation.agentCa.certPem, ...certificate },
        verifier,
        probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }],
        behaviour: { switchSeconds: 0.2 },
        constants: EAGER,
      }),
    );
  }
  return hosts;
}
