import { z } from 'zod';
import { artifactTime, mapOf } from '../../../src/api/artifacts/fields.ts';
import {
  fleetHostSchema,
  fleetResolvedSchema,
  rolloutPolicySchema,
} from '../../../src/api/artifacts/fleet-resolved.ts';
import { selectorSchema } from '../../../src/api/artifacts/selector.ts';
import { trustConfigSchema, trustedKeySchema } from '../../../src/api/artifacts/trust-config.ts';
import { decodeBase64 } from '../../../src/core/artifacts/base64.ts';
import { canonicalize, canonicalizeValue } from '../../../src/core/artifacts/canonical-json.ts';
import { countsForGate, verifyEvidence } from '../../../src/core/artifacts/evidence.ts';
import { sha256Hex } from '../../../src/core/artifacts/hash.ts';
import { activeKeys, rotationsDue, timelessKeys } from '../../../src/core/artifacts/key-slots.ts';
import { normalizeFleet } from '../../../src/core/artifacts/normalize.ts';
import { currentRolloutIds, projectManifest } from '../../../src/core/artifacts/projection.ts';
import { selectedHosts, selectorSummary } from '../../../src/core/artifacts/selector.ts';
import { verifyArtifact } from '../../../src/core/artifacts/verify.ts';
import type { Op } from './op.ts';

const verifySchema = z.object({
  kind: z.enum(['fleet', 'rollout_manifest', 'revocations', 'bootstrap_nonces']),
  signed_text: z.string().optional(),
  signed_b64: z.string().optional(),
  signature_b64: z.string(),
  now: artifactTime,
  freshness_window_secs: z.number(),
  trusted_keys: z.array(trustedKeySchema).nullish(),
  reject_before: artifactTime.nullish(),
  trust: trustConfigSchema.nullish(),
});

const evidenceSchema = z.object({
  payload_text: z.string(),
  pubkey: z.string().nullish(),
  signature_b64: z.string().nullish(),
});

const projectionSchema = z.object({
  fleet: fleetResolvedSchema,
  channel: z.string(),
  fleet_resolved_hash: z.string(),
});

const policiesSchema = z.object({ fleet: z.object({ rolloutPolicies: mapOf(rolloutPolicySchema) }) });

/** Operations on signed artifacts (planner.md §1) by their name in the vector files. */
export const ops: Record<string, Op> = {
  canonicalize: (input) => {
    const { json } = z.object({ json: z.string() }).parse(input);
    const document = canonicalize(json);
    if (!document.ok) return { ok: false };
    return { ok: true, canonical: document.canonical, sha256: sha256Hex(document.canonical) };
  },
  verify_artifact: runVerify,
  verify_evidence: (input) => {
    const { payload_text, pubkey, signature_b64 } = evidenceSchema.parse(input);
    const status = verifyEvidence(payload_text, pubkey ?? null, signature_b64 ?? null);
    return { status, counts_for_gate: countsForGate(status) };
  },
  active_keys: (input) => {
    const { trust, now } = z.object({ trust: trustConfigSchema, now: artifactTime }).parse(input);
    return {
      ci_release_keys: activeKeys(trust.ciReleaseKey, now),
      ci_release_keys_timeless: timelessKeys(trust.ciReleaseKey),
      org_root_keys: trust.orgRootKey === null ? null : activeKeys(trust.orgRootKey, now),
      rotations_due: rotationsDue(trust, now).map(({ which, retireAt }) => ({ which, retire_at: retireAt })),
    };
  },
  project_manifest: runProjection,
  normalize_policies: (input) => {
    const reading = policiesSchema.safeParse(input);
    return reading.success
      ? { ok: { fleet: normalizeFleet(reading.data.fleet) } }
      : { err: { kind: 'Decode' } };
  },
  selector: (input) => {
    const { selector, hosts } = z
      .object({ selector: selectorSchema, hosts: mapOf(fleetHostSchema) })
      .parse(input);
    return { summary: selectorSummary(selector), hosts: selectedHosts(selector, hosts) };
  },
};

function runVerify(input: unknown): unknown {
  const given = verifySchema.parse(input);
  const { kind, now, signed_text = '', signed_b64, trust } = given;
  const bytes = signed_b64 === undefined ? Buffer.from(signed_text) : Buffer.from(signed_b64, 'base64');
  const signature = decodeBase64(given.signature_b64) ?? Buffer.alloc(0);
  const slot = trust?.ciReleaseKey;
  const keys = slot === undefined ? (given.trusted_keys ?? []) : activeKeys(slot, now);
  const result = verifyArtifact(kind, bytes, signature, keys, {
    now,
    freshnessWindowSeconds: given.freshness_window_secs,
    rejectBefore: slot === undefined ? given.reject_before : slot.rejectBefore,
  });
  if (!result.ok) return { ok: false, error: result.error, detail: result.detail };
  return {
    ok: true,
    signed_at: result.signedAt,
    payload: result.payload,
    canonical_sha256: result.canonicalSha256,
    rollout_id: result.rolloutId,
  };
}

function runProjection(input: unknown): unknown {
  const { fleet, channel, fleet_resolved_hash } = projectionSchema.parse(input);
  const current_rollout_ids = currentRolloutIds(fleet);
  const projection = projectManifest(fleet, channel, fleet_resolved_hash);
  if (!projection.ok) return { ok: false, error: projection.error, current_rollout_ids };
  const { rolloutId, manifest } = projection;
  return {
    ok: true,
    rollout_id: rolloutId,
    manifest,
    manifest_sha256: manifest === null ? undefined : sha256Hex(canonicalizeValue(manifest)),
    current_rollout_ids,
  };
}
