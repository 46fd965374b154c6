import type { Timestamp } from '../../../api/time.ts';
import type { Hold } from '../fleet-plan-result.ts';

/** Holds all marks while the fleet or the channel's manifest is too old, as `isPast` says: agents refuse such artifacts silently (D19). */
export function artifactStale(
  fleetSignedAt: Timestamp,
  manifestSignedAt: Timestamp | undefined,
  isPast: (signedAt: Timestamp) => boolean,
): Hold | null {
  if (isPast(fleetSignedAt)) return stale('fleet', fleetSignedAt);
  if (manifestSignedAt === undefined) return { gate: 'artifact-stale', reason: NO_MANIFEST };
  return isPast(manifestSignedAt) ? stale('manifest', manifestSignedAt) : null;
}

const NO_MANIFEST = 'artifact-stale: no manifest is in force for this channel; sign and publish one';

function stale(what: 'fleet' | 'manifest', signedAt: Timestamp): Hold {
  return {
    gate: 'artifact-stale',
    key: what,
    reason: `artifact-stale: the ${what} in force was signed at ${signedAt} and agents refuse it as too old; sign the release again`,
  };
}
