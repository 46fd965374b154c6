import type { OnHealthFailure } from '../../api/wire/enums.ts';
import { canonicalize } from '../../core/artifacts/canonical-json.ts';
import { sha256Hex } from '../../core/artifacts/hash.ts';
import { projectManifest } from '../../core/artifacts/projection.ts';
import { readArtifact } from '../../core/artifacts/read-artifact.ts';

/** A fleet as a demo describes it, without what changes from release to release. */
export interface FleetDesign {
  readonly hosts: readonly {
    readonly name: string;
    readonly channel: string;
    readonly tags: readonly string[];
    /** Its SSH host key, an OpenSSH line; without one it cannot enrol. */
    readonly pubkey?: string;
  }[];
  /** By channel: the hosts of each wave. */
  readonly waves: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly soakMinutes: number;
  readonly onHealthFailure: OnHealthFailure;
  /** The first channel must be through before the second one starts. */
  readonly channelEdges: readonly {
    readonly gates: string;
    readonly gated: string;
    readonly reason: string;
  }[];
  /** At most so many hosts with this tag in flight at once. */
  readonly budgets: readonly { readonly tag: string; readonly maxInFlight: number }[];
}

/** One release of it. */
export interface ReleaseDesign {
  /** A full commit id. */
  readonly commit: string;
  /** Null: it will be stamped when it is signed. */
  readonly signedAt: string | null;
  readonly closureOf: (host: string) => string;
}

/** The documents that CI signs, by file name. */
export type ReleaseDocuments = ReadonlyMap<string, string>;

/** Writes fleet.resolved.json and, by projection, a manifest per channel, as text for people to read. */
export function releaseDocuments(fleet: FleetDesign, release: ReleaseDesign): ReleaseDocuments {
  const text = pretty(fleetResolved(fleet, release));
  const canonical = canonicalize(text);
  if (!canonical.ok) throw new Error(`the fleet is not JSON: ${canonical.message}`);
  const reading = readArtifact('fleet', canonical.value);
  if (!reading.ok) throw new Error(`the fleet is no fleet.resolved: ${reading.message}`);
  const documents = new Map([['fleet.resolved.json', text]]);
  for (const channel of Object.keys(fleet.waves)) {
    const projection = projectManifest(reading.value, channel, sha256Hex(canonical.canonical));
    if (!projection.ok) throw new Error(`channel ${channel} yields no manifest: ${projection.error}`);
    if (projection.manifest !== null) documents.set(`${channel}.manifest.json`, pretty(projection.manifest));
  }
  return documents;
}

/** A fleet.resolved document of the design as a plain value. */
export function fleetResolved(fleet: FleetDesign, { commit, signedAt, closureOf }: ReleaseDesign): object {
  const { soakMinutes, onHealthFailure } = fleet;
  const channels = Object.keys(fleet.waves);
  const minutes = { reconcileIntervalMinutes: 5, freshnessWindow: 1440, signingIntervalMinutes: 30 };
  return {
    schemaVersion: 1,
    hosts: Object.fromEntries(
      fleet.hosts.map(({ name, channel, tags, pubkey = null }) => [
        name,
        { platform: 'x86_64-linux', tags, channel, closureHash: closureOf(name), pubkey },
      ]),
    ),
    channels: Object.fromEntries(channels.map((name) => [name, { rolloutPolicy: name, ...minutes }])),
    rolloutPolicies: Object.fromEntries(
      channels.map((name) => [
        name,
        {
          strategy: 'staged',
          waves: (fleet.waves[name] ?? []).map((hosts) => ({ selector: { hosts }, soakMinutes })),
          healthGate: {},
          onHealthFailure,
        },
      ]),
    ),
    waves: Object.fromEntries(
      channels.map((name) => [name, (fleet.waves[name] ?? []).map((hosts) => ({ hosts, soakMinutes }))]),
    ),
    edges: [],
    channelEdges: fleet.channelEdges,
    disruptionBudgets: fleet.budgets.map(({ tag, maxInFlight }) => ({
      selector: { tags: [tag] },
      maxInFlight,
      maxInFlightPct: null,
    })),
    meta: { schemaVersion: 1, signedAt, ciCommit: commit, signatureAlgorithm: 'ed25519' },
  };
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
