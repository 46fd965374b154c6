import type { HostUnstagedBlock, WavePromotionBlock } from './block.ts';
import type { GateView } from './view.ts';

/**
 * Holds a host whose wave the rollout has not reached, and one that no wave of its channel lists (planner.md §9.3).
 * It is the host's own channel that counts, not the rollout's.
 */
export function wavePromotion(
  view: Pick<GateView, 'channelOf' | 'hasWaves' | 'waveOf' | 'currentWave'>,
  rollout: string,
  host: string,
): WavePromotionBlock | HostUnstagedBlock | null {
  const channel = view.channelOf(host);
  if (channel === undefined || !view.hasWaves(channel)) return null;
  const hostWave = view.waveOf(channel, host);
  if (hostWave === undefined) return unstaged(channel);
  const currentWave = view.currentWave(rollout);
  if (hostWave <= currentWave) return null;
  return {
    kind: 'WavePromotion',
    gate: 'wave-promotion',
    hostWave,
    currentWave,
    reason: `wave-promotion: host_wave=${hostWave} > current_wave=${currentWave}`,
  };
}

function unstaged(channel: string): HostUnstagedBlock {
  return {
    kind: 'HostUnstaged',
    gate: 'wave-promotion-host-unstaged',
    channel,
    reason: `wave-promotion: channel '${channel}' declares waves but this host is not assigned to any of them — fix the fleet declaration or the host's tag/wave selector`,
  };
}
