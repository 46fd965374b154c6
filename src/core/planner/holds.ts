import type { Timestamp } from '../../api/time.ts';
import { clipped } from './clip.ts';
import type { FleetPlanInput } from './fleet-input.ts';
import type { Hold } from './fleet-plan-result.ts';
import type { FleetView } from './fleet-view.ts';
import { artifactStale } from './gates/artifact-stale.ts';
import type { Block } from './gates/block.ts';
import { evaluateAllGates } from './gates/evaluate.ts';
import { fleetHold } from './gates/fleet-hold.ts';
import { hostBusy } from './gates/host-busy.ts';
import { hostOffline } from './gates/host-offline.ts';
import { hostUnsettled, hostUntold } from './gates/host-unsettled.ts';
import { rolloutHalted } from './gates/rollout-halted.ts';
import { rolloutOpening } from './gates/rollout-opening.ts';
import { rolloutPaused } from './gates/rollout-paused.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { TrackedRecord } from './tracked-record.ts';
import type { WakeTime } from './wake-time.ts';

/** Bound of a key in the record's status. */
const KEY_MAX = 512;
/** Bound of a reason, which has to fit into messages with some room to spare. */
const REASON_MAX = 900;

/** The gates that hold a whole rollout, first and last in the order of D9. */
export interface RolloutHolds {
  readonly first: readonly Hold[];
  readonly last: Hold | null;
}

/** Whether the same gates hold for the same reasons. */
export function sameHolds(a: readonly Hold[], b: readonly Hold[]): boolean {
  return a.length === b.length && a.every((hold, index) => sameHold(hold, b[index]));
}

/** Whether a rollout as a whole is held by the same gates for the same reasons. */
export function sameRolloutHolds(a: RolloutHolds, b: RolloutHolds): boolean {
  return sameHolds(a.first, b.first) && sameHold(a.last, b.last);
}

function sameHold(a: Hold | null, b: Hold | null | undefined): boolean {
  return a?.gate === b?.gate && a?.key === b?.key && a?.reason === b?.reason;
}

/** Finds every gate that holds a record, in the order of D9. */
export class Holds {
  readonly #view: FleetView;
  readonly #input: FleetPlanInput;
  readonly #wake: WakeTime;

  constructor(view: FleetView, input: FleetPlanInput, wake: WakeTime) {
    this.#view = view;
    this.#input = input;
    this.#wake = wake;
  }

  /** What holds a rollout as a whole. */
  ofRollout(standing: RolloutStanding): RolloutHolds {
    const { rollout } = standing;
    const first = [
      rolloutOpening(rollout),
      fleetHold(this.#input.settings),
      rolloutPaused(rollout),
      rolloutHalted(standing.failing.list().map(({ record }) => record)),
    ].filter((hold) => hold !== null);
    const signedAt = this.#input.manifests.get(rollout.channel)?.signedAt;
    return { first, last: artifactStale(this.#input.fleetSignedAt, signedAt, this.#isStale) };
  }

  /** What holds a Pending record of a current rollout. */
  ofRecord(
    tracked: TrackedRecord,
    { rollout }: RolloutStanding,
    rolloutHolds: RolloutHolds,
  ): readonly Hold[] {
    const { record } = tracked;
    const { hostname: host, targetClosure } = record;
    const candidate = { rollout: rollout.name, channel: rollout.channel, host, targetClosure };
    const holds = [...rolloutHolds.first];
    // A delivered mark has its slot; judged by the budget again, two of them could suspend each other for ever.
    const hasSlot = record.dispatch?.deliveredAt !== undefined;
    if (this.#view.channelOf(host) === undefined) holds.push(notInFleet(host, rollout.channel));
    for (const block of evaluateAllGates(this.#view, candidate)) {
      if (!hasSlot || block.kind !== 'DisruptionBudget') holds.push(holdOf(block));
    }
    for (const hold of this.#ofHost(tracked)) if (hold !== null) holds.push(hold);
    if (rolloutHolds.last !== null) holds.push(rolloutHolds.last);
    return holds;
  }

  #ofHost({ record, host }: TrackedRecord): readonly (Hold | null)[] {
    const busy = this.#view.busyRecords(record.hostname);
    return [
      hostOffline(host),
      hostUnsettled(host, record, this.#isSettled) ?? hostUntold(host, record, this.#isTold),
      busy === undefined ? null : hostBusy(record, busy, host, this.#isOver),
    ];
  }

  readonly #isStale = (signedAt: Timestamp): boolean =>
    this.#wake.isPast(signedAt, this.#input.settings.artifactMaxAgeMs);

  readonly #isSettled = (since: Timestamp): boolean =>
    this.#wake.isPast(since, this.#input.settings.settleMaxMs);

  readonly #isTold = (since: Timestamp): boolean =>
    this.#wake.isPast(since, this.#input.settings.toldAfterMs);

  readonly #isOver = (since: Timestamp): boolean => this.#wake.isPast(since, this.#input.settings.hostBusyMs);
}

/** The gates of planner.md pass a host that the fleet does not know; here what is unknown blocks (D5). */
function notInFleet(host: string, channel: string): Hold {
  return {
    gate: 'wave-promotion-host-unstaged',
    key: channel,
    reason: `wave-promotion: host '${host}' is not in the fleet in force, so its wave is unknown`,
  };
}

function holdOf(block: Block): Hold {
  const key = keyOf(block);
  const { gate } = block;
  const reason = clipped(block.reason, REASON_MAX);
  return key === undefined ? { gate, reason } : { gate, key: clipped(key, KEY_MAX), reason };
}

function keyOf(block: Block): string | undefined {
  switch (block.kind) {
    case 'Quarantined':
      return block.closureHash;
    case 'ChannelEdges':
      return block.predecessorChannel;
    case 'HostUnstaged':
      return block.channel;
    case 'HostEdge':
      return block.gatingHost;
    case 'DisruptionBudget':
      return block.selectorSummary;
    default:
      return undefined;
  }
}
