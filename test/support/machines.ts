import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import { agentConstants, scaled } from '../../src/agent/constants.ts';
import type { AgentFeed } from '../../src/agent/feed.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import type { TrustConfig } from '../../src/api/artifacts/trust-config.ts';
import { mintAgentCertificate } from '../../src/dev/agent-ca.ts';
import type { PemPair } from '../../src/dev/certificates.ts';
import { behaviourOf, closureOf, demoProbes } from '../../src/dev/demo/design.ts';
import type { FleetDesign } from '../../src/dev/local/release.ts';

/** The machines of a fleet, and where their agents connect. */
export interface Machines {
  readonly fleet: FleetDesign;
  /** Issues their certificates. */
  readonly agentCa: PemPair;
  /** Signed the server's certificate. */
  readonly serverCaPem: string;
  readonly cnSuffix: string;
  readonly trust: TrustConfig;
  readonly url: string;
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

/** Boots one machine per host of the fleet. */
export async function startMachines(machines: Machines): Promise<SimulatedHost[]> {
  const { fleet, agentCa, serverCaPem, cnSuffix, trust, url, factor, feed = () => undefined } = machines;
  const verifier = new ArtifactVerifier(trust);
  const hosts = await Promise.all(
    fleet.hosts.map(async ({ name }) => {
      const certificate = await mintAgentCertificate(agentCa, { machineId: name, suffix: cnSuffix });
      return new SimulatedHost({
        hostname: name,
        closure: closureOf(name, machines.release),
        identity: { controlPlaneUrl: url, caPem: serverCaPem, ...certificate },
        verifier,
        probes: demoProbes,
        behaviour: behaviourOf(name, machines.faultyRelease ?? 'none'),
        constants: { ...scaled(agentConstants, factor), ...patience },
        feed,
      });
    }),
  );
  for (const host of hosts) host.start();
  return hosts;
}
