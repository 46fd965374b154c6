import type { OnHealthFailure } from '../../src/api/wire/enums.ts';
import { canonicalize } from '../../src/core/artifacts/canonical-json.ts';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';
import { projectManifest } from '../../src/core/artifacts/projection.ts';
import { readArtifact } from '../../src/core/artifacts/read-artifact.ts';
import { addMillis, type Timestamp } from '../../src/api/time.ts';

/** A channel of a small fleet. */
export interface SmallChannel {
  /** The hosts of each wave. */
  readonly waves: readonly (readonly string[])[];
  /** Hosts of the channel that no wave lists. */
  readonly unstaged?: readonly string[];
  readonly soakMinutes?: number;
  readonly onHealthFailure?: OnHealthFailure;
}

/** A budget over hosts by name. */
export interface SmallBudget {
  readonly hosts: readonly string[];
  readonly max?: number;
  readonly pct?: number;
}

/** A release as a test wishes it; what is not said is empty. */
export interface SmallFleet {
  readonly channels: Readonly<Record<string, SmallChannel>>;
  /** `[first, then]` within one channel. */
  readonly edges?: readonly (readonly [gates: string, gated: string])[];
  /** `[first, then]`. */
  readonly channelEdges?: readonly (readonly [gates: string, gated: string])[];
  readonly budgets?: readonly SmallBudget[];
  /** A digit that commit and closures are made of. Default 1. */
  readonly digit?: string;
  /** Targets that differ from `targetOf`; null: not built. */
  readonly targets?: Readonly<Record<string, string | null>>;
  /** SSH host keys by host. Default none. */
  readonly pubkeys?: Readonly<Record<string, string>>;
  /** Milliseconds since it was signed. Default 0. */
  readonly ageMs?: number;
}

/** The commit of a release. */
export function commitOf(digit = '1'): string {
  return digit.repeat(40);
}

/** What a host shall run by a release. */
export function targetOf(host: string, digit = '1'): string {
  return `${digit.repeat(32)}-nixos-system-${host}-26.05`;
}

/** What a host runs before. */
export function priorOf(host: string): string {
  return `${'0'.repeat(32)}-nixos-system-${host}-25.11`;
}

/** The documents that CI signs, by file name, signed at `now` less the wished age. */
export function smallFleetDocuments(fleet: SmallFleet, now: Timestamp): ReadonlyMap<string, string> {
  const text = `${JSON.stringify(resolved(fleet, now), null, 2)}\n`;
  const canonical = canonicalize(text);
  if (!canonical.ok) throw new Error(canonical.message);
  const reading = readArtifact('fleet', canonical.value);
  if (!reading.ok) throw new Error(reading.message);
  const documents = new Map([['fleet.resolved.json', text]]);
  for (const channel of Object.keys(fleet.channels)) {
    const projection = projectManifest(reading.value, channel, sha256Hex(canonical.canonical));
    if (!projection.ok) throw new Error(projection.error);
    if (projection.manifest === null) continue;
    documents.set(`${channel}.manifest.json`, `${JSON.stringify(projection.manifest, null, 2)}\n`);
  }
  return documents;
}

function resolved(fleet: SmallFleet, now: Timestamp): object {
  const {
    digit = '1',
    targets = {},
    pubkeys = {},
    ageMs = 0,
    edges = [],
    channelEdges = [],
    budgets = [],
  } = fleet;
  const channels = Object.entries(fleet.channels);
  const none = { tags: [], tagsAny: [], hosts: [], channel: null, all: false };
  return {
    schemaVersion: 1,
    hosts: Object.fromEntries(
      channels.flatMap(([channel, { waves, unstaged = [] }]) =>
        [...waves.flat(), ...unstaged].map((name) => [
          name,
          {
            platform: 'x86_64-linux',
            tags: [],
            channel,
            closureHash: targets[name] === undefined ? targetOf(name, digit) : targets[name],
            pubkey: pubkeys[name] ?? null,
          },
        ]),
      ),
    ),
    channels: Object.fromEntries(
      channels.map(([name]) => [
        name,
        {
          rolloutPolicy: name,
          reconcileIntervalMinutes: 5,
          freshnessWindow: 1440,
          signingIntervalMinutes: 30,
        },
      ]),
    ),
    rolloutPolicies: Object.fromEntries(
      channels.map(([name, { waves, soakMinutes = 0, onHealthFailure = 'halt' }]) => [
        name,
        {
          strategy: 'staged',
          waves: waves.map((hosts) => ({ selector: { ...none, hosts }, soakMinutes })),
          healthGate: {},
          onHealthFailure,
        },
      ]),
    ),
    waves: Object.fromEntries(
      channels.map(([name, { waves, soakMinutes = 0 }]) => [
        name,
        waves.map((hosts) => ({ hosts, soakMinutes })),
      ]),
    ),
    edges: edges.map(([gates, gated]) => ({ gates, gated, reason: 'test' })),
    channelEdges: channelEdges.map(([gates, gated]) => ({ gates, gated, reason: 'test' })),
    disruptionBudgets: budgets.map(({ hosts, max, pct }) => ({
      selector: { ...none, hosts },
      maxInFlight: max ?? null,
      maxInFlightPct: pct ?? null,
    })),
    meta: {
      schemaVersion: 1,
      signedAt: addMillis(now, -ageMs).replace(/\.\d+Z$/, 'Z'),
      ciCommit: commitOf(digit),
      signatureAlgorithm: 'ed25519',
    },
  };
}
