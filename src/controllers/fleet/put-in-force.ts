import type { Fleet, FleetStatus } from '../../api/kinds/fleet.ts';
import { fleetResource } from '../../api/kinds/resources.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import type { Release, ReleaseManifest } from '../../core/artifacts/release.ts';
import { chooseAttempt, hostSetHash, type AttemptChoice } from '../../core/rollout/attempts.ts';
import { updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';
import type { ContentKeeper } from './content-keeper.ts';

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

/**
 * Stores a verified release and only then points the Fleet at it, so that what is in force can always be read back
 * (architecture.md §1, content in force). Resolves to the Fleet as written; rejects with `BlobNameTakenError` where
 * somebody else has a name that the content needs.
 */
export async function putInForce(
  context: ControllerContext,
  keeper: ContentKeeper,
  fleet: Fleet,
  release: Release,
): Promise<Fleet> {
  const contentRefs = await keeper.store(release);
  if (fleet.status?.artifact?.contentRefs.join() === contentRefs.join()) return fleet;
  const status: FleetStatus = {
    ...fleet.status,
    artifact: {
      ciCommit: release.ciCommit,
      signedAt: release.signedAt,
      sha256: release.sha256,
      verifiedAt: context.clock.now(),
      contentRefs: [...contentRefs],
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
