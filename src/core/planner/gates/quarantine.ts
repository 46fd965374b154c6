import type { QuarantinedBlock } from './block.ts';
import type { GateView } from './view.ts';

/** Holds a host whose target the rollout's channel has in quarantine (planner.md §9.1). */
export function quarantine(
  view: Pick<GateView, 'isQuarantined'>,
  channel: string,
  closureHash: string,
): QuarantinedBlock | null {
  if (!view.isQuarantined(channel, closureHash)) return null;
  return {
    kind: 'Quarantined',
    gate: 'quarantine',
    channel,
    closureHash,
    reason: `channel ${channel} closure ${closureHash} quarantined (sustained probe failures); push a new closure to clear`,
  };
}
