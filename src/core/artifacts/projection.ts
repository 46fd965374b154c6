import type { FleetHost, FleetResolved, RolloutPolicy } from '../../api/artifacts/fleet-resolved.ts';
import type { RolloutManifest } from '../../api/artifacts/rollout-manifest.ts';
import type { Timestamp } from '../../api/time.ts';
import { ownMember } from '../own-member.ts';
import { compareCodePoints, sortedByCodePoint } from '../planner/order.ts';
import { rolloutIdOf } from './rollout-id.ts';
import { selectedHosts } from './selector.ts';

export { rolloutIdOf, splitRolloutId } from './rollout-id.ts';

const DISPLAYED_COMMIT_LENGTH = 8;

/** Why a channel has no manifest (planner.md §8). */
export type ProjectionError = 'unsigned' | 'unknown-channel' | 'unknown-policy';

/** A channel's manifest; both null where no host of the channel has a closure; or why there can be none. */
export type Projection =
  | { readonly ok: true; readonly rolloutId: string; readonly manifest: RolloutManifest }
  | { readonly ok: true; readonly rolloutId: null; readonly manifest: null }
  | { readonly ok: false; readonly error: ProjectionError };

/**
 * The manifest that CI has to sign for a channel of a fleet (planner.md §8).
 * `fleetResolvedHash` is the SHA-256 (hex) of the canonical form of the fleet document as it was received.
 */
export function projectManifest(
  fleet: FleetResolved,
  channel: string,
  fleetResolvedHash: string,
): Projection {
  const basis = basisOf(fleet, channel);
  if (!basis.ok) return basis;
  const hosts = hostsOf(fleet, channel);
  if (hosts.length === 0) return { ok: true, rolloutId: null, manifest: null };
  const { ciCommit, signatureAlgorithm = 'ed25519' } = fleet.meta;
  const channelRef = channelRefOf(fleet);
  const manifest: RolloutManifest = {
    schemaVersion: 1,
    displayName: rolloutIdOf(channel, shortCommit(ciCommit)),
    channel,
    channelRef,
    fleetResolvedHash,
    hostSet: hostSetOf(fleet, channel, hosts),
    healthGate: basis.policy.healthGate,
    disruptionBudgets: fleet.disruptionBudgets.map(({ selector, maxInFlight, maxInFlightPct }) => ({
      selector,
      hosts: selectedHosts(selector, fleet.hosts),
      maxInFlight,
      maxInFlightPct,
    })),
    meta: { schemaVersion: 1, signedAt: basis.signedAt, ciCommit, signatureAlgorithm },
  };
  return { ok: true, rolloutId: rolloutIdOf(channel, channelRef), manifest };
}

/** The ids of all channels that yield a manifest, ascending; channels that do not are left out. */
export function currentRolloutIds(fleet: FleetResolved): string[] {
  const inhabited = new Set<string>();
  for (const host of Object.values(fleet.hosts)) if (host.closureHash !== null) inhabited.add(host.channel);
  return Object.keys(fleet.channels)
    .filter((channel) => inhabited.has(channel) && basisOf(fleet, channel).ok)
    .map((channel) => rolloutIdOf(channel, channelRefOf(fleet)))
    .toSorted(compareCodePoints);
}

type Basis =
  | { readonly ok: true; readonly signedAt: Timestamp; readonly policy: RolloutPolicy }
  | { readonly ok: false; readonly error: ProjectionError };

function basisOf({ meta, channels, rolloutPolicies }: FleetResolved, channel: string): Basis {
  if (meta.signedAt === null) return { ok: false, error: 'unsigned' };
  const declared = ownMember(channels, channel);
  if (declared === undefined) return { ok: false, error: 'unknown-channel' };
  const policy = ownMember(rolloutPolicies, declared.rolloutPolicy);
  if (policy === undefined) return { ok: false, error: 'unknown-policy' };
  return { ok: true, signedAt: meta.signedAt, policy };
}

type BuiltHost = readonly [name: string, closure: string];

function hostsOf(fleet: FleetResolved, channel: string): BuiltHost[] {
  const built: BuiltHost[] = [];
  for (const [name, host] of Object.entries<FleetHost>(fleet.hosts)) {
    if (host.channel === channel && host.closureHash !== null) built.push([name, host.closureHash]);
  }
  return sortedByCodePoint(built, ([name]) => name);
}

function hostSetOf(
  fleet: FleetResolved,
  channel: string,
  hosts: readonly BuiltHost[],
): RolloutManifest['hostSet'] {
  const firstWave = new Map<string, number>();
  for (const [index, wave] of (ownMember(fleet.waves, channel) ?? []).entries()) {
    for (const host of wave.hosts) if (!firstWave.has(host)) firstWave.set(host, index);
  }
  return hosts.map(([hostname, targetClosure]) => ({
    hostname,
    waveIndex: firstWave.get(hostname) ?? 0,
    targetClosure,
  }));
}

function channelRefOf(fleet: FleetResolved): string {
  return fleet.meta.ciCommit ?? '';
}

/** The first eight code points: a slice by UTF-16 unit would cut characters in half. */
function shortCommit(commit: string | null): string {
  return commit === null ? 'unknown' : Array.from(commit).slice(0, DISPLAYED_COMMIT_LENGTH).join('');
}
