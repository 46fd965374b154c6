import type { FleetResolved } from '../../api/artifacts/fleet-resolved.ts';
import type { RolloutManifest } from '../../api/artifacts/rollout-manifest.ts';
import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import type { Timestamp } from '../../api/time.ts';
import { compareCodePoints } from '../planner/order.ts';
import { projectManifest } from './projection.ts';
import { rolloutIdOf } from './rollout-id.ts';
import { verifyArtifact, type VerifyOptions } from './verify.ts';
import type { VerifyErrorName } from './verify-error.ts';

/** A document as it was published, and the raw signature over its canonical form. */
export interface SignedDocument {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** A published manifest; `channel` is what its file name promises, absent where nothing does. */
export interface PublishedManifest {
  readonly channel?: string;
  readonly document: SignedDocument;
}

/** All that CI published for one release, not verified. */
export interface PublishedRelease {
  readonly fleet: SignedDocument;
  readonly manifests: readonly PublishedManifest[];
}

/** A verified manifest with the exact bytes that agents are served. */
export interface ReleaseManifest extends SignedDocument {
  readonly rolloutId: string;
  readonly channel: string;
  readonly manifest: RolloutManifest;
  readonly sha256: string;
  readonly signedAt: Timestamp;
}

/** A release that may go into force: the fleet and a manifest for every channel that has hosts to run something. */
export interface Release extends SignedDocument {
  readonly fleet: FleetResolved;
  readonly sha256: string;
  readonly signedAt: Timestamp;
  readonly ciCommit: string;
  /** By channel, ascending. */
  readonly manifests: ReadonlyMap<string, ReleaseManifest>;
}

/** Why a release is not put into force; also the reason of the Fleet's Verified condition (kubernetes-api.md, Fleet). */
export type ReleaseRefusalReason =
  | VerifyErrorName
  | 'ManifestMissing'
  | 'ManifestHashMismatch'
  | 'UndeclaredChannel'
  | 'DuplicateManifest'
  | 'ProjectionMismatch'
  | 'InvalidRolloutId';

/** A refusal with a message for people. */
export interface ReleaseRefusal {
  readonly ok: false;
  readonly reason: ReleaseRefusalReason;
  readonly message: string;
}

/** Keys and limits that a release is judged with. */
export interface ReleaseTrust extends VerifyOptions {
  readonly keys: readonly TrustedKey[];
}

/** What the wire's route filter lets through (agent-protocol.md §0): another id could never be fetched by an agent. */
const ROLLOUT_ID = /^[a-z0-9_-]+@[0-9a-f]+$/;

/**
 * Verifies a release whole (architecture.md D5): the fleet, and for every channel that projection yields a manifest
 * that names this very fleet. One fault refuses all of it.
 */
export function verifyRelease(
  published: PublishedRelease,
  trust: ReleaseTrust,
): { readonly ok: true; readonly release: Release } | ReleaseRefusal {
  const { bytes, signature } = published.fleet;
  const verified = verifyArtifact('fleet', bytes, signature, trust.keys, trust);
  if (!verified.ok) return refuse(verified.error, `fleet.resolved.json: ${verified.message}`);
  const fleet = verified.payload;
  const manifests = new Map<string, ReleaseManifest>();
  for (const one of published.manifests) {
    const manifest = verifyManifest(one, trust);
    if ('ok' in manifest) return manifest;
    const { channel } = manifest;
    if (manifests.has(channel)) {
      return refuse('DuplicateManifest', `two manifests are for channel "${channel}": publish one`);
    }
    manifests.set(channel, manifest);
  }
  const fault = compareWithProjection(fleet, verified.canonicalSha256, manifests);
  if (fault !== undefined) return fault;
  return {
    ok: true,
    release: {
      bytes,
      signature,
      fleet,
      sha256: verified.canonicalSha256,
      signedAt: verified.signedAt,
      ciCommit: fleet.meta.ciCommit ?? '',
      manifests: new Map([...manifests].toSorted(([a], [b]) => compareCodePoints(a, b))),
    },
  };
}

function verifyManifest(published: PublishedManifest, trust: ReleaseTrust): ReleaseManifest | ReleaseRefusal {
  const { bytes, signature } = published.document;
  const label = published.channel === undefined ? 'a manifest' : `${published.channel}.manifest.json`;
  const verified = verifyArtifact('rollout_manifest', bytes, signature, trust.keys, trust);
  if (!verified.ok) return refuse(verified.error, `${label}: ${verified.message}`);
  const { channel } = verified.payload;
  if (published.channel !== undefined && published.channel !== channel) {
    return refuse(
      'UndeclaredChannel',
      `${label} is for channel "${channel}": name the file after its channel`,
    );
  }
  const rolloutId = rolloutIdOf(channel, verified.payload.channelRef);
  if (!ROLLOUT_ID.test(rolloutId)) {
    return refuse(
      'InvalidRolloutId',
      `"${rolloutId}" is no id that agents can fetch: channels are made of a-z, 0-9, _ and -, refs are lower-case hex commits`,
    );
  }
  return {
    bytes,
    signature,
    rolloutId,
    channel,
    manifest: verified.payload,
    sha256: verified.canonicalSha256,
    signedAt: verified.signedAt,
  };
}

function compareWithProjection(
  fleet: FleetResolved,
  fleetHash: string,
  manifests: ReadonlyMap<string, ReleaseManifest>,
): ReleaseRefusal | undefined {
  for (const [channel, { manifest, rolloutId }] of manifests) {
    const projection = projectManifest(fleet, channel, fleetHash);
    if (!projection.ok || projection.manifest === null) {
      return refuse(
        'UndeclaredChannel',
        `the fleet yields no rollout for channel "${channel}": remove its manifest`,
      );
    }
    if (manifest.fleetResolvedHash !== fleetHash) {
      return refuse(
        'ManifestHashMismatch',
        `the manifest of channel "${channel}" was made for fleet ${manifest.fleetResolvedHash}, this one is ${fleetHash}: publish both from one CI run`,
      );
    }
    if (projection.rolloutId !== rolloutId || !sameHosts(projection.manifest, manifest)) {
      return refuse(
        'ProjectionMismatch',
        `the manifest of channel "${channel}" has other hosts, waves, targets or another ref than the fleet yields: project it anew`,
      );
    }
  }
  for (const channel of Object.keys(fleet.channels).toSorted(compareCodePoints)) {
    if (manifests.has(channel)) continue;
    const projection = projectManifest(fleet, channel, fleetHash);
    if (projection.ok && projection.manifest !== null) {
      return refuse(
        'ManifestMissing',
        `channel "${channel}" has hosts but no signed manifest: sign and publish one`,
      );
    }
  }
  return undefined;
}

function sameHosts(projected: RolloutManifest, published: RolloutManifest): boolean {
  if (projected.hostSet.length !== published.hostSet.length) return false;
  const wanted = new Map(projected.hostSet.map((host) => [host.hostname, host]));
  return published.hostSet.every(({ hostname, waveIndex, targetClosure }) => {
    const host = wanted.get(hostname);
    // A host that is listed twice would leave another out, and the rollout would wait for its record for ever.
    wanted.delete(hostname);
    return host !== undefined && host.waveIndex === waveIndex && host.targetClosure === targetClosure;
  });
}

function refuse(reason: ReleaseRefusalReason, message: string): ReleaseRefusal {
  return { ok: false, reason, message };
}
