import type { ComplianceWaveBlock } from './block.ts';
import type { GateView } from './view.ts';

/** Holds a host of a later wave while hosts of earlier waves fail enforce-mode probes (planner.md §9.6). */
export function complianceWave(
  view: Pick<GateView, 'channelOf' | 'waveOf' | 'outstandingBefore'>,
  rollout: string,
  host: string,
): ComplianceWaveBlock | null {
  const channel = view.channelOf(host);
  if (channel === undefined) return null;
  const hostWave = view.waveOf(channel, host);
  if (hostWave === undefined || hostWave === 0) return null;
  const failingEventsCount = view.outstandingBefore(rollout, channel, hostWave);
  if (failingEventsCount === 0) return null;
  return {
    kind: 'ComplianceWave',
    gate: 'compliance-wave',
    failingEventsCount,
    hostWave,
    reason: `compliance-wave: ${failingEventsCount} outstanding failure(s) on hosts in wave < ${hostWave}`,
  };
}
