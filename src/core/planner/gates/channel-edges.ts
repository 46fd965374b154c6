import type { ChannelEdgesBlock } from './block.ts';
import type { GateView } from './view.ts';

/** Holds a channel while one of the channels declared before it is active; the first such one is named (planner.md §9.2). */
export function channelEdges(
  view: Pick<GateView, 'predecessorChannels' | 'isChannelActive'>,
  channel: string,
): ChannelEdgesBlock | null {
  for (const predecessorChannel of view.predecessorChannels(channel)) {
    if (!view.isChannelActive(predecessorChannel)) continue;
    return {
      kind: 'ChannelEdges',
      gate: 'channel-edges',
      predecessorChannel,
      reason: `channelEdges predecessor channel '${predecessorChannel}' not converged`,
    };
  }
  return null;
}
