import { z } from 'zod';
import { artifactTime, nullable, omittable, uint32 } from './fields.ts';

/** Who made a document and when (planner.md §3.1). */
export const metaSchema = z.object({
  /** Version of this block; must be present, its value is not looked at. */
  schemaVersion: uint32,
  /** When it was signed; null: it was not. */
  signedAt: nullable(artifactTime),
  /** The commit it was made from; null: unknown. */
  ciCommit: nullable(z.string()),
  /** Display only: the algorithm belongs to the key. Absent means ed25519. */
  signatureAlgorithm: omittable(z.string()),
});
