/** The manifest poll: fills the reducer's cache of policies (agent-protocol.md §3.3, §5.7). */
import { rolloutIdOf } from '../../core/artifacts/rollout-id.ts';
import type { HostPolicy } from '../../core/host/result.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { VerifiedFleet } from '../artifacts.ts';
import { messageOf } from '../feed.ts';
import { repeat } from './repeat.ts';

/** Looks at fleet and manifests twice a minute. A channel whose manifest is not of this fleet is passed over. */
export async function runManifestPoll(parts: AgentParts): Promise<void> {
  await repeat(parts.clock, parts.signal, async () => {
    try {
      const fleet = await parts.artifacts.fleet();
      parts.reducer.setPolicies(await policiesOf(parts, fleet));
    } catch (error) {
      reportProblem(parts, messageOf(error));
    }
    return parts.constants.manifestPollEvery;
  });
}

async function policiesOf(parts: AgentParts, fleet: VerifiedFleet): Promise<Map<string, HostPolicy>> {
  const { payload, canonicalSha256 } = fleet;
  const policies = new Map<string, HostPolicy>();
  const inhabited = new Set(
    Object.values(payload.hosts)
      .filter((host) => host.closureHash !== null)
      .map((host) => host.channel),
  );
  for (const [channel, { rolloutPolicy }] of Object.entries(payload.channels)) {
    if (!inhabited.has(channel)) continue;
    const policy = payload.rolloutPolicies[rolloutPolicy];
    const problem = await manifestProblem(
      parts,
      rolloutIdOf(channel, payload.meta.ciCommit ?? ''),
      canonicalSha256,
    );
    if (problem !== undefined) reportProblem(parts, `channel ${channel}: ${problem}`);
    else if (policy !== undefined) policies.set(channel, { onHealthFailure: policy.onHealthFailure });
  }
  return policies;
}

async function manifestProblem(
  parts: AgentParts,
  rolloutId: string,
  fleetHash: string,
): Promise<string | undefined> {
  try {
    const { payload } = await parts.artifacts.manifest(rolloutId);
    return payload.fleetResolvedHash === fleetHash
      ? undefined
      : `the manifest of ${rolloutId} is of another fleet than the one served`;
  } catch (error) {
    return messageOf(error);
  }
}

function reportProblem(parts: AgentParts, message: string): void {
  if (!parts.signal.aborted) parts.report({ type: 'error', part: 'manifest-poll', message });
}
