import { z } from 'zod';
import { onHealthFailureSchema } from '../wire/enums.ts';
import { artifactTime, emptyMap, mapOf, nullable, omittable, uint32 } from './fields.ts';
import { healthGateSchema } from './health-gate.ts';
import { metaSchema } from './meta.ts';
import { selectorSchema } from './selector.ts';

const pinSchema = z.object({
  /** The commit the host stays on. */
  commit: z.string(),
  /** Why, for people. */
  reason: z.string(),
  /** Until when; absent: for good. */
  expiresAt: omittable(artifactTime),
});

const fleetHostFields = z.object({
  /** The Nix platform, such as x86_64-linux. Later revisions of the format spell the member `platform`. */
  system: z.string().optional(),
  /** The later spelling of `system`. */
  platform: z.unknown().optional(),
  /** What selectors can pick it by. */
  tags: z.array(z.string()),
  /** The channel it belongs to; it need not be declared. */
  channel: z.string(),
  /** The store path it shall run, without the store's folder; null: nothing was built for it. */
  closureHash: nullable(z.string()),
  /** Its SSH host key, an OpenSSH public key line; null: unknown. */
  pubkey: nullable(z.string()),
  /** Present where it is held on a commit. */
  pin: omittable(pinSchema),
});

/** A host as the fleet declares it. Its platform is accepted as `system` or `platform` and comes out as `system`. */
export const fleetHostSchema = fleetHostFields.transform(
  ({ platform, system = platform, ...host }, context) => {
    if (typeof system === 'string') return { ...host, system };
    context.addIssue({ code: 'custom', path: ['system'], message: 'expected a string' });
    return z.NEVER;
  },
);

/** A channel: hosts that are released together. */
const channelSchema = z.object({
  /** Name of its entry in `rolloutPolicies`. */
  rolloutPolicy: z.string(),
  /** How often its hosts look for news, in minutes. */
  reconcileIntervalMinutes: uint32,
  /** How old its artifacts may get, in minutes in spite of the name. */
  freshnessWindow: uint32,
  /** How often CI signs anew, in minutes. */
  signingIntervalMinutes: uint32,
});

/** A wave as a policy declares it. */
const policyWaveSchema = z.object({
  /** Who is in it. */
  selector: selectorSchema,
  /** How long its hosts are watched before they count as converged, in minutes. */
  soakMinutes: uint32,
});

/** How a channel's hosts are rolled out. */
export const rolloutPolicySchema = z.object({
  /** `canary`, `all-at-once` or `staged`; not checked. */
  strategy: z.string(),
  /** Its waves in order. */
  waves: z.array(policyWaveSchema),
  /** What must be healthy beyond the probes. */
  healthGate: healthGateSchema.default({}),
  /** What a host does once it has failed. */
  onHealthFailure: onHealthFailureSchema,
});

/** A wave with its hosts named. */
const fleetWaveSchema = z.object({
  /** Its hosts; it may list hosts of other channels. */
  hosts: z.array(z.string()),
  /** Soak time in minutes. */
  soakMinutes: uint32,
});

/** An order between two hosts of one channel. The names `before` and `after` are not accepted here. */
const hostEdgeSchema = z.object({
  /** The host that waits. */
  gated: z.string(),
  /** The host that must have converged first. */
  gates: z.string(),
  /** Why, for people. */
  reason: nullable(z.string()),
});

const channelEdgeFields = z.object({
  gates: z.string().optional(),
  before: z.string().optional(),
  gated: z.string().optional(),
  after: z.string().optional(),
  reason: nullable(z.string()),
});

/**
 * An order between two channels: `gates` (also spelled `before`) must be terminal before `gated` (also `after`)
 * dispatches. Both spellings of one member at once are refused.
 */
const channelEdgeSchema = channelEdgeFields.transform(({ gates, before, gated, after, reason }, context) => ({
  /** The channel that must finish first. */
  gates: eitherSpelling(context, ['gates', gates], ['before', before]),
  /** The channel that waits. */
  gated: eitherSpelling(context, ['gated', gated], ['after', after]),
  /** Why, for people. */
  reason,
}));

/** A limit on how many of the selected hosts are in flight at once; both limits null: none. */
const disruptionBudgetSchema = z.object({
  /** Whom it is about, over all channels. */
  selector: selectorSchema,
  /** How many may be in flight. */
  maxInFlight: nullable(uint32),
  /** The same as a percentage of the selected hosts. */
  maxInFlightPct: nullable(uint32),
});

/** `releases/fleet.resolved.json`: what the fleet shall run (planner.md §3.1). */
export const fleetResolvedSchema = z.object({
  /** 1. */
  schemaVersion: uint32,
  /** By hostname. */
  hosts: mapOf(fleetHostSchema),
  /** By channel name. */
  channels: mapOf(channelSchema),
  /** By policy name. */
  rolloutPolicies: mapOf(rolloutPolicySchema).default(emptyMap),
  /** By channel name: its waves in order. */
  waves: mapOf(z.array(fleetWaveSchema)),
  /** Orders between hosts. */
  edges: z.array(hostEdgeSchema).default([]),
  /** Orders between channels. */
  channelEdges: z.array(channelEdgeSchema).default([]),
  /** Limits on hosts in flight. */
  disruptionBudgets: z.array(disruptionBudgetSchema).default([]),
  /** Who made it and when. */
  meta: metaSchema,
});

/** `releases/fleet.resolved.json`: what the fleet shall run (planner.md §3.1). */
export type FleetResolved = z.infer<typeof fleetResolvedSchema>;

/** A host as the fleet declares it. */
export type FleetHost = z.infer<typeof fleetHostSchema>;

/** How a channel's hosts are rolled out. */
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>;

type Spelling = readonly [name: string, value: string | undefined];

function eitherSpelling(
  context: z.RefinementCtx,
  [name, value]: Spelling,
  [alias, aliased]: Spelling,
): string {
  const chosen = value ?? aliased;
  if (chosen !== undefined && (value === undefined || aliased === undefined)) return chosen;
  const message =
    chosen === undefined ? 'expected a string' : `given twice, as ${name} and as ${alias}: keep one`;
  context.addIssue({ code: 'custom', path: [name], message });
  return z.NEVER;
}
