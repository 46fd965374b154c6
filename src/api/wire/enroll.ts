/** POST /v1/enroll and /v1/agent/renew (agent-protocol.md §1.6, §1.7): camelCase throughout. */
import { z } from 'zod';
import { wireText, wireTime, wireUnsigned } from './fields.ts';

/** What a bootstrap token claims; exactly these five members are signed. */
export const bootstrapClaimsSchema = z.object({
  /** The host that may enrol with it. */
  hostname: wireText,
  /** Padded standard base64 of the SHA-256 over the raw 32 bytes of the host's Ed25519 key. */
  expectedPubkeyFingerprint: wireText,
  /** From when it is accepted. */
  issuedAt: wireTime,
  /** From when it no longer is. */
  expiresAt: wireTime,
  /** 32 hex digits that make it usable once. */
  nonce: wireText,
});

/** What a bootstrap token claims. */
export type BootstrapClaims = z.infer<typeof bootstrapClaimsSchema>;

/** The token that a new host enrols with. */
export const bootstrapTokenSchema = z.object({
  /** 1; judged with the signature, so that another version is refused like a bad one. */
  version: wireUnsigned,
  claims: bootstrapClaimsSchema,
  /** Padded standard base64 of the 64-byte Ed25519 signature by an org root key over the canonical claims. */
  signature: wireText,
});

/** The token that a new host enrols with. */
export type BootstrapToken = z.infer<typeof bootstrapTokenSchema>;

/** A host's first request for a certificate; it comes without a client certificate. */
export const enrollRequestSchema = z.object({
  token: bootstrapTokenSchema,
  /** PKCS#10 in PEM: the host's name as CN, signed with its SSH host key. */
  csrPem: wireText,
});

/** A host's first request for a certificate. */
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;

/** A request for the next certificate, under the one in use. */
export const renewRequestSchema = z.object({ csrPem: wireText });

/** A request for the next certificate. */
export type RenewRequest = z.infer<typeof renewRequestSchema>;

/** The answer to both: the leaf alone, without its chain. */
export const certificateResponseSchema = z.object({ certPem: wireText, notAfter: wireTime });

/** The answer to both requests. */
export type CertificateResponse = z.infer<typeof certificateResponseSchema>;
