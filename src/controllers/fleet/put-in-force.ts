import type { Fleet, FleetStatus } from '../../api/kinds/fleet.ts';
import { fleetResource } from '../../api/kinds/resources.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import { LABEL_CONTENT } from '../../api/group.ts';
import { encodeReleaseBundle } from '../../core/artifacts/release-bundle.ts';
import type { Release, ReleaseManifest } from '../../core/artifacts/release.ts';
import { nameLabel } from '../../core/naming.ts';
import { chooseAttempt, hostSetHash, type AttemptChoice } from '../../core/rollout/attempts.ts';
import { putBlob } from '../../kube/blob-store.ts';
import { updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';

/** Hashing thousands of hosts is not for every pass. */
const hashes = new WeakMap<ReleaseManifest, string>();

function hashOf(release: ReleaseManifest): string {
  let hash = hashes.get(release);
  if (hash === undefined) hashes.set(release, (hash = hostSetHash(release.manifest)));
  return hash;
}

/** The attempt that carries each channel of the content in force. */
export function chooseAttempts(context: ControllerContext, release: Release): Map<string, AttemptChoice> {
  const rollouts = context.stores.rollouts.list();
  return new Map(
    [...release.manifests].map(([channel, manifest]) => [
      channel,
      chooseAttempt(manifest.rolloutId, hashOf(manifest), rollouts),
    ]),
  );
}

/** The content of releases that a Fleet pointed at, so that looking again costs no write. */
const stored = new WeakMap<Release, string>();

/**
 * Stores a verified release and only then points the Fleet at it, so that what is in force can always be read back
 * (architecture.md §1, content in force). Resolves to the Fleet as written.
 */
export async function putInForce(context: ControllerContext, fleet: Fleet, release: Release): Promise<Fleet> {
  const current = fleet.status?.artifact?.contentRefs.join();
  if (current !== undefined && stored.get(release) === current) return fleet;
  const contentRefs = await putBlob(
    context.client,
    {
      namespace: context.namespace,
      prefix: context.fleetName,
      labels: nameLabel(LABEL_CONTENT, context.fleetName),
    },
    encodeReleaseBundle(release),
  );
  if (current === contentRefs.join()) {
    stored.set(release, current);
    return fleet;
  }
  const status: FleetStatus = {
    ...fleet.status,
    artifact: {
      ciCommit: release.ciCommit,
      signedAt: release.signedAt,
      sha256: release.sha256,
      verifiedAt: context.clock.now(),
      contentRefs,
    },
  };
  const written = await updateStatus(context.client, fleetResource, context.stores.fleets, {
    base: fleet,
    next: { ...fleet, status },
  });
  context.audit.info(
    {
      fleet: context.fleetName,
      ciCommit: release.ciCommit,
      sha256: release.sha256,
      signedAt: release.signedAt,
    },
    'a release went into force',
  );
  context.events.record({
    about: written,
    type: 'Normal',
    reason: 'ReleaseInForce' satisfies EventReason,
    message: `release ${release.ciCommit}, signed ${release.signedAt}, is in force for ${release.manifests.size} channels`,
  });
  return written;
}
