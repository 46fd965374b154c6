import { canonicalize } from '../../src/core/artifacts/canonical-json.ts';
import { projectManifest, rolloutIdOf } from '../../src/core/artifacts/projection.ts';
import { readArtifact } from '../../src/core/artifacts/read-artifact.ts';
import { signDocument, signingKeyFromRaw } from '../../src/core/artifacts/sign.ts';
import type { RolloutManifest } from '../../src/api/artifacts/rollout-manifest.ts';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Timestamp } from '../../src/api/time.ts';
import { closureOf, commitOf, type FleetDesign, type ReleaseDesign } from './design.ts';

const key = signingKeyFromRaw('ed25519', Buffer.alloc(32, 3));

/** The trust.json that believes the simulation's CI. */
export const trustText = JSON.stringify({
  schemaVersion: 1,
  ciReleaseKey: { current: key.trusted, previous: null, successor: null, rejectBefore: null, retireAt: null },
  cacheKeys: [],
  orgRootKey: null,
  rootCaPem: null,
  issuanceCaPems: [],
});

/** A signed release. */
export interface SignedRelease {
  readonly inline: NonNullable<Fleet['spec']['source']['inline']>;
  readonly signedAt: Timestamp;
  /** By rollout id. */
  readonly manifests: ReadonlyMap<string, RolloutManifest>;
}

/** Does what CI does: resolves, projects and signs. */
export function signRelease(design: FleetDesign, release: ReleaseDesign, signedAt: Timestamp): SignedRelease {
  const fleet = signDocument(JSON.stringify(fleetResolved(design, release, signedAt)), key);
  const canonical = canonicalize(fleet.canonical);
  if (!canonical.ok) throw new Error(canonical.message);
  const reading = readArtifact('fleet', canonical.value);
  if (!reading.ok) throw new Error(`the design is no fleet: ${reading.message}`);
  const manifests = new Map<string, RolloutManifest>();
  const inline = [];
  for (const { name } of design.channels) {
    const projection = projectManifest(reading.value, name, fleet.canonicalSha256);
    if (!projection.ok) throw new Error(`channel ${name}: ${projection.error}`);
    if (projection.manifest === null) continue;
    const signed = signDocument(JSON.stringify(projection.manifest), key);
    manifests.set(rolloutIdOf(name, commitOf(release.commit)), projection.manifest);
    inline.push({ manifest: signed.canonical, signature: base64(signed.signature) });
  }
  return {
    inline: { fleet: fleet.canonical, signature: base64(fleet.signature), manifests: inline },
    signedAt,
    manifests,
  };
}

function fleetResolved(
  { hosts, channels, edges, channelEdges, budgets }: FleetDesign,
  { commit, without = [] }: ReleaseDesign,
  signedAt: Timestamp,
): object {
  const reason = '';
  return {
    schemaVersion: 1,
    hosts: Object.fromEntries(
      hosts.map(({ name, channel, tags }) => [
        name,
        {
          platform: 'x86_64-linux',
          tags,
          channel,
          closureHash: without.includes(name) ? null : closureOf(name, commit),
          pubkey: null,
        },
      ]),
    ),
    channels: Object.fromEntries(
      channels.map(({ name }) => [
        name,
        {
          rolloutPolicy: name,
          reconcileIntervalMinutes: 5,
          freshnessWindow: 1440,
          signingIntervalMinutes: 30,
        },
      ]),
    ),
    rolloutPolicies: Object.fromEntries(
      channels.map(({ name, waves, soakMinutes, onHealthFailure }) => [
        name,
        {
          strategy: 'staged',
          waves: (waves.length === 0 ? [[]] : waves).map((listed) => ({
            selector: { hosts: listed },
            soakMinutes,
          })),
          healthGate: {},
          onHealthFailure,
        },
      ]),
    ),
    waves: Object.fromEntries(
      channels
        .filter(({ waves }) => waves.length > 0)
        .map(({ name, waves, soakMinutes }) => [
          name,
          waves.map((listed) => ({ hosts: listed, soakMinutes })),
        ]),
    ),
    edges: edges.map((edge) => ({ ...edge, reason })),
    channelEdges: channelEdges.map((edge) => ({ ...edge, reason })),
    disruptionBudgets: budgets.map(({ tag, maxInFlight = null, maxInFlightPct = null }) => ({
      selector: tag === undefined ? { all: true } : { tags: [tag] },
      maxInFlight,
      maxInFlightPct,
    })),
    meta: { schemaVersion: 1, signedAt, ciCommit: commitOf(commit), signatureAlgorithm: 'ed25519' },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
