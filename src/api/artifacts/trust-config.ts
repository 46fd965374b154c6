import { z } from 'zod';
import { artifactTime, nullable, uint32 } from './fields.ts';

/** A public key that signatures are checked with (planner.md §4.1). */
export const trustedKeySchema = z.object({
  /** `ed25519` or `ecdsa-p256`, exactly; a key of any other algorithm is passed over. */
  algorithm: z.string(),
  /** Padded standard base64 of the raw key: 32 bytes for ed25519, 64 bytes X‖Y for ecdsa-p256. */
  public: z.string(),
});

/** A role's keys over time (planner.md §5). */
const keySlotSchema = z.object({
  /** The key in use. */
  current: nullable(trustedKeySchema),
  /** The key before it; still accepted. */
  previous: nullable(trustedKeySchema),
  /** The key that will follow; accepted only while `retireAt` is set and ahead. */
  successor: nullable(trustedKeySchema),
  /** Documents signed before are refused, whichever key signed them. */
  rejectBefore: nullable(artifactTime),
  /** When the successor is due to be promoted, which people do by hand. */
  retireAt: nullable(artifactTime),
});

/** `trust.json`: whom this installation believes; local, not signed (planner.md §3.5). */
export const trustConfigSchema = z.object({
  /** 1. */
  schemaVersion: uint32,
  /** Signs fleets, manifests, revocations and bootstrap nonces. */
  ciReleaseKey: keySlotSchema,
  /** Keys of binary caches; opaque here. */
  cacheKeys: z.array(z.string()).default([]),
  /** Signs enrolment tokens. */
  orgRootKey: nullable(keySlotSchema),
  /** The certificate of the organisation's root, PEM. */
  rootCaPem: nullable(z.string()),
  /** The certificates of the CAs that issue agents' certificates, PEM. */
  issuanceCaPems: z.array(z.string()).default([]),
});

/** A public key that signatures are checked with (planner.md §4.1). */
export type TrustedKey = z.infer<typeof trustedKeySchema>;

/** A role's keys over time (planner.md §5). */
export type KeySlot = z.infer<typeof keySlotSchema>;

/** `trust.json`: whom this installation believes (planner.md §3.5). */
export type TrustConfig = z.infer<typeof trustConfigSchema>;
