import { z } from 'zod';
import { artifactTime, nullable, uint32 } from './fields.ts';
import { metaSchema } from './meta.ts';

/** `revocations.json`: certificates that are no longer accepted (planner.md §3.3). */
export const revocationsSchema = z.object({
  /** 1. */
  schemaVersion: uint32,
  /** One entry per revoked host. */
  revocations: z.array(
    z.object({
      /** Whose certificates. */
      hostname: z.string(),
      /** Certificates whose own not-before is strictly older are refused. */
      notBefore: artifactTime,
      /** Why, for people. */
      reason: nullable(z.string()),
      /** Who did it. */
      revokedBy: nullable(z.string()),
    }),
  ),
  /** Who made it and when. */
  meta: metaSchema,
});

/** `revocations.json`: certificates that are no longer accepted (planner.md §3.3). */
export type Revocations = z.infer<typeof revocationsSchema>;
