import { type BootstrapNonces, bootstrapNoncesSchema } from '../../api/artifacts/bootstrap-nonces.ts';
import { type FleetResolved, fleetResolvedSchema } from '../../api/artifacts/fleet-resolved.ts';
import { type Revocations, revocationsSchema } from '../../api/artifacts/revocations.ts';
import { type RolloutManifest, rolloutManifestSchema } from '../../api/artifacts/rollout-manifest.ts';
import { normalizeFleet } from './normalize.ts';
import type { JsonValue } from './strict-json.ts';
import { readTyped, type TypedReading } from './typed-reading.ts';

/** The typed values of the four kinds of signed document, by the kind's name (planner.md §3). */
interface ArtifactPayloads {
  fleet: FleetResolved;
  rollout_manifest: RolloutManifest;
  revocations: Revocations;
  bootstrap_nonces: BootstrapNonces;
}

/** The name of a kind of signed document. */
export type ArtifactKind = keyof ArtifactPayloads;

/** The typed value of a kind of document. */
export type ArtifactPayload<Kind extends ArtifactKind> = ArtifactPayloads[Kind];

const readers: { [Kind in ArtifactKind]: (value: JsonValue) => TypedReading<ArtifactPayloads[Kind]> } = {
  fleet: (value) => {
    const reading = readTyped(fleetResolvedSchema, value);
    return reading.ok ? { ok: true, value: normalizeFleet(reading.value) } : reading;
  },
  rollout_manifest: (value) => readTyped(rolloutManifestSchema, value),
  revocations: (value) => readTyped(revocationsSchema, value),
  bootstrap_nonces: (value) => readTyped(bootstrapNoncesSchema, value),
};

/**
 * Reads a document as its kind, a fleet's policies normalised (planner.md §4.6); a refusal names the wrong members.
 * It checks neither signature nor version nor time: what is to be acted upon goes through `verifyArtifact`.
 */
export function readArtifact<Kind extends ArtifactKind>(
  kind: Kind,
  value: JsonValue,
): TypedReading<ArtifactPayload<Kind>> {
  return readers[kind](value);
}
