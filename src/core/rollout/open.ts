import type { FleetHost, FleetResolved } from '../../api/artifacts/fleet-resolved.ts';
import type { RolloutManifest } from '../../api/artifacts/rollout-manifest.ts';
import { ANNOTATION_REOPENED, API_VERSION, LABEL_FLEET, LABEL_HOST, LABEL_ROLLOUT } from '../../api/group.ts';
import type { Host, HostSpec } from '../../api/kinds/host.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { OnHealthFailure } from '../../api/wire/enums.ts';
import type { Timestamp } from '../../api/time.ts';
import type { ReleaseManifest } from '../artifacts/release.ts';
import { selectorSummary } from '../artifacts/selector.ts';
import { hostName, nameLabel, recordName, shortRef } from '../naming.ts';
import { ownMember } from '../own-member.ts';
import { clipped } from '../planner/clip.ts';
import type { AttemptChoice } from './attempts.ts';
import { hostSetHash } from './attempts.ts';

/** Where the objects of a fleet live. */
export interface FleetPlace {
  readonly namespace: string;
  readonly fleetName: string;
}

/** Minutes of soaking where the policy does not say (state-machine.md §9.1). */
const DEFAULT_SOAK_MINUTES = 60;
const SUMMARY_MAX = 512;

/** What the fleet declares about one host, as its Host object says it. */
export function desiredHostSpec(fleetName: string, hostname: string, host: FleetHost): HostSpec {
  return {
    fleetRef: fleetName,
    hostname,
    channel: host.channel,
    tags: host.tags,
    platform: host.system,
    ...(host.pubkey !== null && { pubkey: host.pubkey }),
    ...(host.closureHash !== null && { declaredClosure: host.closureHash }),
    ...(host.pin !== undefined && { pin: pinOf(host.pin) }),
  };
}

function pinOf(pin: NonNullable<FleetHost['pin']>): NonNullable<HostSpec['pin']> {
  const { commit, reason, expiresAt } = pin;
  return { commit, reason, ...(expiresAt !== undefined && { expiresAt }) };
}

/** A Host object that does not exist yet. It has no owner: what a host says survives its Fleet. */
export function newHost(place: FleetPlace, hostname: string, host: FleetHost): Host {
  return {
    apiVersion: API_VERSION,
    kind: 'Host',
    metadata: {
      name: hostName(hostname),
      namespace: place.namespace,
      labels: nameLabel(LABEL_FLEET, place.fleetName),
    },
    spec: desiredHostSpec(place.fleetName, hostname, host),
  };
}

/** A Rollout that does not exist yet, or not any more (`reopened`). */
export function newRollout(
  place: FleetPlace,
  fleetUid: string,
  fleet: FleetResolved,
  release: ReleaseManifest,
  choice: AttemptChoice,
  reopened = false,
): Rollout {
  const { manifest, channel, rolloutId } = release;
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: {
      name: choice.name,
      namespace: place.namespace,
      labels: nameLabel(LABEL_FLEET, place.fleetName),
      ...(reopened && { annotations: REOPENED }),
      ownerReferences: [
        { apiVersion: API_VERSION, kind: 'Fleet', name: place.fleetName, uid: fleetUid, controller: true },
      ],
    },
    spec: {
      rolloutId,
      channel,
      channelRef: manifest.channelRef,
      attempt: choice.attempt,
      fleetRef: place.fleetName,
      hostCount: manifest.hostSet.length,
      hostSetHash: hostSetHash(manifest),
      waves: ownMember(fleet.waves, channel)?.length ?? 0,
      onHealthFailure: policyOf(fleet, channel).onHealthFailure,
      budgets: manifest.disruptionBudgets.map(({ selector, hosts, maxInFlight, maxInFlightPct }) => ({
        selectorSummary: clipped(selectorSummary(selector), SUMMARY_MAX),
        ...(maxInFlight !== null && { maxInFlight }),
        ...(maxInFlightPct !== null && { maxInFlightPct }),
        hosts: hosts.length,
      })),
      intent: { hold: 'None', retry: [] },
    },
  };
}

/**
 * The record of one host of a manifest, not created yet. `firstSeq`: what earlier attempts of the id counted up to. One
 * that is made after its Rollout was open, or for one that was reopened, takes the place of a record that was deleted.
 */
export function newRecord(
  place: FleetPlace,
  rollout: Rollout,
  fleet: FleetResolved,
  host: RolloutManifest['hostSet'][number],
  firstSeq: number,
  now: Timestamp,
): HostRolloutRecord {
  const { channel, channelRef, rolloutId } = rollout.spec;
  const policy = policyOf(fleet, channel);
  const hostObject = hostName(host.hostname);
  return {
    apiVersion: API_VERSION,
    kind: 'HostRolloutRecord',
    metadata: {
      name: recordName(rollout.metadata.name, hostObject, 1),
      namespace: place.namespace,
      labels: {
        ...nameLabel(LABEL_FLEET, place.fleetName),
        ...nameLabel(LABEL_ROLLOUT, rollout.metadata.name),
        ...nameLabel(LABEL_HOST, hostObject),
      },
      ...((isReopened(rollout) || isOpen(rollout)) && { annotations: REOPENED }),
      ownerReferences: [
        {
          apiVersion: API_VERSION,
          kind: 'Rollout',
          name: rollout.metadata.name,
          uid: rollout.metadata.uid ?? '',
          controller: true,
        },
      ],
    },
    spec: {
      rolloutRef: rollout.metadata.name,
      rolloutId,
      attempt: 1,
      hostname: host.hostname,
      hostRef: hostObject,
      channel,
      ref: shortRef(channelRef),
      wave: host.waveIndex,
      targetClosure: host.targetClosure,
      soakMinutes: policy.soakMinutes[host.waveIndex] ?? DEFAULT_SOAK_MINUTES,
      onHealthFailure: policy.onHealthFailure,
      firstSeq,
      dispatchedAt: now,
    },
  };
}

const REOPENED: Readonly<Record<string, string>> = { [ANNOTATION_REOPENED]: 'true' };

/** Whether an object was made anew because somebody had deleted it while it was in force. */
export function isReopened({ metadata }: Rollout | HostRolloutRecord): boolean {
  return metadata.annotations?.[ANNOTATION_REOPENED] === 'true';
}

function isOpen({ status }: Rollout): boolean {
  return (status?.state ?? 'Opening') !== 'Opening';
}

interface ChannelPolicy {
  readonly onHealthFailure: OnHealthFailure;
  /** By wave, in minutes. */
  readonly soakMinutes: readonly number[];
}

function policyOf(fleet: FleetResolved, channel: string): ChannelPolicy {
  const declared = ownMember(fleet.channels, channel);
  const policy = declared && ownMember(fleet.rolloutPolicies, declared.rolloutPolicy);
  // A channel without policy yields no manifest, so this is what nobody reaches; halting is the safe reading.
  if (policy === undefined) return { onHealthFailure: 'halt', soakMinutes: [] };
  return {
    onHealthFailure: policy.onHealthFailure,
    soakMinutes: policy.waves.map((wave) => wave.soakMinutes),
  };
}

/** Whether a Rollout owns a record; one of another owner is deleted and waited for, never adopted (D21). */
export function isOwnedBy(record: HostRolloutRecord, rollout: Rollout): boolean {
  const owner = record.metadata.ownerReferences?.find((reference) => reference.kind === 'Rollout');
  return owner?.uid === rollout.metadata.uid;
}
