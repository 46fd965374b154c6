import { ArtifactVerifier } from '../../agent/artifacts.ts';
import { agentConstants, scaled } from '../../agent/constants.ts';
import type { AgentFeed } from '../../agent/feed.ts';
import { SimulatedHost } from '../../agent/simulated-host.ts';
import type { EnrolledIdentity } from '../../agent/enrolment.ts';
import type { HostPapers } from '../local/host-papers.ts';
import type { Installation } from '../local/installation.ts';
import { faultyRelease, firstRelease } from './acts.ts';
import { behaviourOf, closureOf, demoProbes } from './design.ts';
import { identityOf } from './enrolment.ts';

/** A host of the demo; it is started once it has enrolled. */
export interface DemoHost {
  readonly host: SimulatedHost;
  readonly identity: EnrolledIdentity;
  readonly papers: HostPapers;
}

/** Makes the demo's hosts, each with an SSH key and a token of its own; they are neither enrolled nor started. */
export function demoHosts(
  installation: Installation,
  papers: readonly HostPapers[],
  controlPlaneUrl: string,
  factor: number,
  feed: AgentFeed,
): DemoHost[] {
  const { trust } = installation;
  const verifier = new ArtifactVerifier(trust);
  const constants = scaled(agentConstants, factor);
  return papers.map((own) => {
    const identity = identityOf(installation, controlPlaneUrl, own);
    const host = new SimulatedHost({
      hostname: own.name,
      closure: closureOf(own.name, firstRelease),
      identity,
      verifier,
      probes: demoProbes,
      behaviour: behaviourOf(own.name, faultyRelease),
      constants,
      feed,
    });
    return { host, identity, papers: own };
  });
}
