import type { HostEdgeBlock } from './block.ts';
import type { GateView } from './view.ts';

/** Holds a host until the hosts of its own channel declared before it are done in the same rollout (planner.md §9.4). */
export function hostEdge(
  view: Pick<GateView, 'channelOf' | 'gatingHosts' | 'isDone'>,
  rollout: string,
  host: string,
): HostEdgeBlock | null {
  const channel = view.channelOf(host);
  if (channel === undefined) return null;
  for (const gatingHost of view.gatingHosts(host)) {
    if (view.channelOf(gatingHost) !== channel || view.isDone(rollout, gatingHost)) continue;
    return {
      kind: 'HostEdge',
      gate: 'host-edge',
      gatingHost,
      reason: `host-edge: gating host '${gatingHost}' not yet Converged`,
    };
  }
  return null;
}
