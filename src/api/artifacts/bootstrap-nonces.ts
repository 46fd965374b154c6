import { z } from 'zod';
import { artifactTime, nullable, uint32 } from './fields.ts';
import { metaSchema } from './meta.ts';

/** `bootstrap-nonces.json`: the enrolments that are allowed (planner.md §3.4). */
export const bootstrapNoncesSchema = z.object({
  /** 1. */
  schemaVersion: uint32,
  /** One entry per enrolment token that was handed out. */
  bootstrapNonces: z.array(
    z.object({
      /** The token's nonce. */
      nonce: z.string(),
      /** The host it is for. */
      hostname: z.string(),
      /** When it stops being accepted. */
      expiresAt: artifactTime,
      /** When it was made. */
      mintedAt: nullable(artifactTime),
      /** Who made it. */
      mintedBy: nullable(z.string()),
    }),
  ),
  /** Who made it and when. */
  meta: metaSchema,
});

/** `bootstrap-nonces.json`: the enrolments that are allowed (planner.md §3.4). */
export type BootstrapNonces = z.infer<typeof bootstrapNoncesSchema>;
