import { ArtifactVerifier } from '../../agent/artifacts.ts';
import { agentConstants, scaled } from '../../agent/constants.ts';
import type { AgentFeed } from '../../agent/feed.ts';
import { SimulatedHost } from '../../agent/simulated-host.ts';
import { mintAgentCertificate } from '../agent-ca.ts';
import { CN_SUFFIX, type Installation } from '../local/installation.ts';
import { faultyRelease, firstRelease } from './acts.ts';
import { behaviourOf, closureOf, demoFleet, demoProbes } from './design.ts';

/** Makes the demo's hosts, each with a certificate of its own; they are not started. */
export async function demoHosts(
  installation: Installation,
  controlPlaneUrl: string,
  factor: number,
  feed: AgentFeed,
): Promise<SimulatedHost[]> {
  const { agentCa, trust } = installation;
  const verifier = new ArtifactVerifier(trust);
  const constants = scaled(agentConstants, factor);
  return Promise.all(
    demoFleet.hosts.map(async ({ name }) => {
      const certificate = await mintAgentCertificate(agentCa, { machineId: name, suffix: CN_SUFFIX });
      return new SimulatedHost({
        hostname: name,
        closure: closureOf(name, firstRelease),
        identity: { controlPlaneUrl, caPem: agentCa.certPem, ...certificate },
        verifier,
        probes: demoProbes,
        behaviour: behaviourOf(name, faultyRelease),
        constants,
        feed,
      });
    }),
  );
}
