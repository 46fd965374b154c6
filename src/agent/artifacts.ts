/** Signed artifacts as an agent believes them (agent-protocol.md §2.2). */
import type { FleetResolved } from '../api/artifacts/fleet-resolved.ts';
import type { RolloutManifest } from '../api/artifacts/rollout-manifest.ts';
import type { TrustConfig } from '../api/artifacts/trust-config.ts';
import { millisBetween, type Timestamp } from '../api/time.ts';
import { sha256Hex } from '../core/artifacts/hash.ts';
import { activeKeys } from '../core/artifacts/key-slots.ts';
import type { ArtifactKind, ArtifactPayload } from '../core/artifacts/read-artifact.ts';
import { verifyArtifact, type Verified } from '../core/artifacts/verify.ts';

const SLACK_MILLIS = 60_000;
const KEPT = 32;

/** A document as it was received. */
export interface ReceivedArtifact {
  readonly bytes: Buffer;
  /** The raw 64 bytes. */
  readonly signature: Uint8Array;
}

/** When a document is looked at, and how old it may be, in milliseconds. */
export interface Freshness {
  readonly now: Timestamp;
  readonly window: number;
}

/** A fleet with the hash its manifests must name. */
export type VerifiedFleet = Verified<FleetResolved>;

/** A manifest with the id it is for. */
export type VerifiedManifest = Verified<RolloutManifest>;

interface Known<Payload> {
  readonly bytes: Buffer;
  readonly verified: Verified<Payload>;
}

/**
 * Verifies artifacts against one trust config, each content once: many hosts of a simulation hold the same bytes.
 * Safe to share, for an answer depends on nothing but content, keys and time.
 */
export class ArtifactVerifier {
  readonly #trust: TrustConfig;
  readonly #fleets = new Map<string, Known<FleetResolved>>();
  readonly #manifests = new Map<string, Known<RolloutManifest>>();

  constructor(trust: TrustConfig) {
    this.#trust = trust;
  }

  /** A fleet; throws with what is wrong. */
  fleet(received: ReceivedArtifact, freshness: Freshness): VerifiedFleet {
    return this.#verify('fleet', this.#fleets, received, freshness);
  }

  /** A rollout manifest; throws with what is wrong. */
  manifest(received: ReceivedArtifact, freshness: Freshness): VerifiedManifest {
    return this.#verify('rollout_manifest', this.#manifests, received, freshness);
  }

  /** The same bytes as one object for all hosts. */
  shared(bytes: Buffer): Buffer {
    for (const known of [...this.#fleets.values(), ...this.#manifests.values()]) {
      if (known.bytes.equals(bytes)) return known.bytes;
    }
    return bytes;
  }

  #verify<Kind extends ArtifactKind>(
    kind: Kind,
    known: Map<string, Known<ArtifactPayload<Kind>>>,
    { bytes, signature }: ReceivedArtifact,
    { now, window }: Freshness,
  ): Verified<ArtifactPayload<Kind>> {
    const { ciReleaseKey } = this.#trust;
    const keys = activeKeys(ciReleaseKey, now);
    const id = `${sha256Hex(JSON.stringify(keys))} ${sha256Hex(bytes)} ${sha256Hex(signature)}`;
    let verified = known.get(id)?.verified;
    if (verified === undefined) {
      const { rejectBefore } = ciReleaseKey;
      const options = { now, freshnessWindowSeconds: undefined, rejectBefore };
      const result = verifyArtifact(kind, bytes, signature, keys, options);
      if (!result.ok) throw new Error(`${result.error}: ${result.message}`);
      verified = result;
      known.set(id, { bytes, verified });
      const [oldest] = known.keys();
      if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
    }
    const problem = ageProblem(verified.signedAt, now, window);
    if (problem !== undefined) throw new Error(problem);
    return verified;
  }
}

/** What is wrong with an artifact's age, in words, or undefined. Windows are inclusive and have a slack of a minute. */
export function ageProblem(signedAt: Timestamp, now: Timestamp, window: number): string | undefined {
  const age = millisBetween(signedAt, now);
  if (age > window + SLACK_MILLIS) return `Stale: signed at ${signedAt}`;
  return age < -SLACK_MILLIS ? `FutureDated: signed at ${signedAt}` : undefined;
}
