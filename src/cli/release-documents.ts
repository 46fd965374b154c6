import type { FleetResolved } from '../api/artifacts/fleet-resolved.ts';
import { canonicalizeValue } from '../core/artifacts/canonical-json.ts';
import { sha256Hex } from '../core/artifacts/hash.ts';
import { projectManifest, type ProjectionError } from '../core/artifacts/projection.ts';
import type { SigningKey } from '../core/artifacts/sign.ts';
import { compareCodePoints } from '../core/planner/order.ts';
import { badInput } from './cli-error.ts';
import type { Document } from './document.ts';

/** A document of a release under the key that a ConfigMap has it under; its signature's key has `.sig` behind. */
export interface ReleaseDocument {
  readonly key: string;
  /** The canonical form, which is also what is published. */
  readonly text: string;
  /** The raw 64 bytes; absent where it is not signed. */
  readonly signature?: Uint8Array;
}

/** The key of the fleet in a ConfigMap (kubernetes-api.md, `configMapRefs`). */
export const FLEET_KEY = 'fleet.resolved.json';

/** What the key of a channel's manifest ends with. */
export const MANIFEST_SUFFIX = '.manifest.json';

/** What agents can fetch (agent-protocol.md §0). */
const CHANNEL_NAME = /^[a-z0-9_-]+$/;
const COMMIT = /^[0-9a-f]+$/;

/** The document signed, where there is a key. */
export function released(key: string, canonical: string, signer: SigningKey | undefined): ReleaseDocument {
  if (signer === undefined) return { key, text: canonical };
  return { key, text: canonical, signature: signer.sign(Buffer.from(canonical)) };
}

/**
 * The manifest of every channel that has hosts with a closure, ascending, signed where there is a key. Refuses, naming
 * the field, what no agent could fetch.
 */
export function projected(
  name: string,
  fleet: Document<'fleet'>,
  signer: SigningKey | undefined,
): ReleaseDocument[] {
  const hash = sha256Hex(fleet.canonical);
  checkCommit(name, fleet.payload);
  const documents: ReleaseDocument[] = [];
  for (const channel of Object.keys(fleet.payload.channels).toSorted(compareCodePoints)) {
    const projection = projectManifest(fleet.payload, channel, hash);
    if (!projection.ok) throw badInput(`${name}: ${faultOf(projection.error, fleet.payload, channel)}`);
    if (projection.manifest === null) continue;
    if (!CHANNEL_NAME.test(channel))
      throw badInput(
        `${name}: channels[${JSON.stringify(channel)}]: no agent can fetch a channel of that name: use a-z, 0-9, _ and - only`,
      );
    documents.push(released(`${channel}${MANIFEST_SUFFIX}`, canonicalizeValue(projection.manifest), signer));
  }
  return documents;
}

function checkCommit(name: string, { meta: { ciCommit } }: FleetResolved): void {
  if (ciCommit === null)
    throw badInput(
      `${name}: meta.ciCommit is missing, and rollouts are named after it: set it, or give "release" a --commit`,
    );
  if (!COMMIT.test(ciCommit))
    throw badInput(
      `${name}: meta.ciCommit is ${JSON.stringify(ciCommit)}, which no agent can fetch: give a commit in lower-case hex`,
    );
}

function faultOf(error: ProjectionError, fleet: FleetResolved, channel: string): string {
  const at = `channels[${JSON.stringify(channel)}]`;
  switch (error) {
    case 'unsigned':
      return 'meta.signedAt is missing, which manifests take over: set it first with "sign --stamp", or use "release"';
    case 'unknown-policy':
      return `${at}.rolloutPolicy is ${JSON.stringify(fleet.channels[channel]?.rolloutPolicy)}, which rolloutPolicies does not have: add it or name another`;
    default:
      return `${at} is not declared`;
  }
}
