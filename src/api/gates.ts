/** What a gate is called, when it shows up and what makes it go away: for messages and for the manual. */
export interface GateInfo {
  /** The name in `blockedBy` and `blocked`; interface data. */
  readonly name: string;
  /** When it holds a host. */
  readonly surfaces: string;
  /** What has to happen for it to let go. */
  readonly clears: string;
}

/** Every gate, in the order in which gates are listed: the first that holds a host is the reason (architecture.md D9). */
export const GATES = [
  {
    name: 'rollout-opening',
    surfaces: 'surfaces while the rollout does not have all of its records yet',
    clears: 'clears when as many records exist as the manifest names hosts; nothing to do',
  },
  {
    name: 'fleet-hold',
    surfaces: 'surfaces while the Fleet has spec.intent.hold: Hold',
    clears: 'clears when spec.intent.hold of the Fleet is None',
  },
  {
    name: 'rollout-paused',
    surfaces: 'surfaces while the Rollout has spec.intent.hold: Pause',
    clears: 'clears when spec.intent.hold of the Rollout is None',
  },
  {
    name: 'rollout-halted',
    surfaces: 'surfaces when a host of the rollout has Failed or Reverted',
    clears:
      'clears when the host is retried (spec.intent.retry) or left behind (spec.intent.clear), or another release supersedes the rollout',
  },
  {
    name: 'quarantine',
    surfaces: "surfaces when the host's target was rolled back somewhere on this channel",
    clears: 'clears when a release brings another closure, or the QuarantinedClosure object is deleted',
  },
  {
    name: 'channel-edges',
    surfaces: 'surfaces while a channel that goes first has not brought its own release to the end',
    clears: "clears when the named channel's rollout is Terminal",
  },
  {
    name: 'wave-promotion',
    surfaces: "surfaces while the rollout has not reached the host's wave",
    clears: 'clears when every host of the waves before is Converged, Deferred or left behind',
  },
  {
    name: 'wave-promotion-host-unstaged',
    surfaces: 'surfaces when the channel has waves and none of them lists the host',
    clears: 'clears when a release lists the host in a wave of its channel',
  },
  {
    name: 'host-edge',
    surfaces: 'surfaces while a host that goes first is not done in this rollout',
    clears: 'clears when the named host is Converged, Deferred or left behind',
  },
  {
    name: 'disruption-budget',
    surfaces: 'surfaces while as many hosts of a budget are in flight as it allows',
    clears: 'clears when a host of the named budget ends its switch and soak, or is cleared',
  },
  {
    name: 'compliance-wave',
    surfaces: 'surfaces while hosts of earlier waves fail enforced probes',
    clears: 'clears when the last result of each of those probes is a pass, or the hosts are left behind',
  },
  {
    name: 'host-offline',
    surfaces: 'surfaces when nothing was heard of the host for spec.offline.after of the Fleet',
    clears: "clears with the host's next heartbeat",
  },
  {
    name: 'host-unsettled',
    surfaces:
      'surfaces while the host could be in the middle of a switch that the operator does not know of (the host is new to it, or its record was deleted), or has not been told from which event a further attempt goes on counting',
    clears:
      'clears when the host has reported the same closure twice, or five and a half minutes after its first report or the loss of its record; in a further attempt 20 seconds after its next heartbeat',
  },
  {
    name: 'host-busy',
    surfaces:
      'surfaces while the host has another dispatch in hand, is switching for another rollout, or has just switched to the same closure for one and no heartbeat has named it yet',
    clears:
      "clears when that other record moves on or the host's next heartbeat names the closure, or ten minutes after it was last let through",
  },
  {
    name: 'artifact-stale',
    surfaces:
      'surfaces when the fleet or manifest in force is older than spec.agents.artifactMaxAge, because agents refuse such artifacts',
    clears: 'clears when CI signs the release again; the content may stay the same',
  },
] as const satisfies readonly GateInfo[];

/** The name of a gate. */
export type GateName = (typeof GATES)[number]['name'];
