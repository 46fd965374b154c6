import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import { agentConstants, scaled } from '../../src/agent/constants.ts';
import type { AgentIdentity } from '../../src/agent/client.ts';
import type { AgentFeed } from '../../src/agent/feed.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import type { TrustConfig } from '../../src/api/artifacts/trust-config.ts';
import { mintAgentCertificate } from '../../src/dev/agent-ca.ts';
import type { PemPair } from '../../src/dev/certificates.ts';
import { behaviourOf, closureOf, demoProbes } from '../../src/dev/demo/design.ts';
import type { FleetDesign } from '../../src/dev/local/release.ts';

/** The machines of a fleet. */
export interface Machines {
  readonly fleet: FleetDesign;
  /** Who each is, and where its agent connects. */
  readonly identities: ReadonlyMap<string, AgentIdentity>;
  readonly trust: TrustConfig;
  /** Agents live this many times as fast. */
  readonly factor: number;
  /** What they run at first. */
  readonly release: string;
  /** The release that shows its fault on one of them. */
  readonly faultyRelease?: string;
  readonly feed?: AgentFeed;
}

/** Agents live faster, but the machine that runs everything does not: they wait for an answer as long as real ones do. */
const { heartbeatTimeout, bootHeartbeatTimeout, outboxTimeout, manifestTimeout } = agentConstants;
const patience = { heartbeatTimeout, bootHeartbeatTimeout, outboxTimeout, manifestTimeout };

/** One machine per host of the fleet, in its order; none is booted. Throws for a host without an identity. */
export function prepareMachines(machines: Machines): SimulatedHost[] {
  const { fleet, identities, trust, factor, feed = () => undefined } = machines;
  const verifier = new ArtifactVerifier(trust);
  return fleet.hosts.map(({ name }) => {
    const identity = identities.get(name);
    if (identity === undefined) throw new Error(`${name} has no identity`);
    return new SimulatedHost({
      hostname: name,
      closure: closureOf(name, machines.release),
      identity,
      verifier,
      probes: demoProbes,
      behaviour: behaviourOf(name, machines.faultyRelease ?? 'none'),
      constants: { ...scaled(agentConstants, factor), ...patience },
      feed,
    });
  });
}

/** Who issues certificates to the hosts of a fleet, and where these connect. */
export interface Issuing {
  readonly agentCa: PemPair;
  /** Signed the server's certificate. */
  readonly serverCaPem: string;
  readonly cnSuffix: string;
  readonly url: string;
}

/** An identity per host, with a certificate that was made for it; nobody has to enrol. */
export async function mintIdentities(
  { hosts }: FleetDesign,
  { agentCa, serverCaPem, cnSuffix, url }: Issuing,
): Promise<Map<string, AgentIdentity>> {
  const identities = new Map<string, AgentIdentity>();
  for (const { name } of hosts) {
    const certificate = await mintAgentCertificate(agentCa, { machineId: name, suffix: cnSuffix });
    identities.set(name, { controlPlaneUrl: url, caPem: serverCaPem, ...certificate });
  }
  return identities;
}
