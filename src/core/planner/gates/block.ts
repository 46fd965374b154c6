/**
 * Why a gate holds a host (planner.md §9). `reason` texts are interface data, byte for byte.
 *
 * Each gate's file builds its own kind of block; nothing here depends on counts that the gate did not see.
 */
export type Block =
  | QuarantinedBlock
  | ChannelEdgesBlock
  | WavePromotionBlock
  | HostUnstagedBlock
  | HostEdgeBlock
  | DisruptionBudgetBlock
  | ComplianceWaveBlock;

/** The channel has this closure in quarantine. */
export interface QuarantinedBlock {
  readonly kind: 'Quarantined';
  readonly gate: 'quarantine';
  readonly channel: string;
  readonly closureHash: string;
  readonly reason: string;
}

/** A channel that has to finish first is still at work. */
export interface ChannelEdgesBlock {
  readonly kind: 'ChannelEdges';
  readonly gate: 'channel-edges';
  readonly predecessorChannel: string;
  readonly reason: string;
}

/** The host's wave has not come yet. */
export interface WavePromotionBlock {
  readonly kind: 'WavePromotion';
  readonly gate: 'wave-promotion';
  readonly hostWave: number;
  readonly currentWave: number;
  readonly reason: string;
}

/** The channel has waves and none lists the host. */
export interface HostUnstagedBlock {
  readonly kind: 'HostUnstaged';
  readonly gate: 'wave-promotion-host-unstaged';
  readonly channel: string;
  readonly reason: string;
}

/** A host that has to finish first has not. */
export interface HostEdgeBlock {
  readonly kind: 'HostEdge';
  readonly gate: 'host-edge';
  readonly gatingHost: string;
  readonly reason: string;
}

/** A budget that lists the host has no free slot. */
export interface DisruptionBudgetBlock {
  readonly kind: 'DisruptionBudget';
  readonly gate: 'disruption-budget';
  readonly inFlight: number;
  readonly max: number;
  readonly selectorSummary: string;
  readonly reason: string;
}

/** Hosts of earlier waves have outstanding enforce-mode failures. */
export interface ComplianceWaveBlock {
  readonly kind: 'ComplianceWave';
  readonly gate: 'compliance-wave';
  readonly failingEventsCount: number;
  readonly hostWave: number;
  readonly reason: string;
}
