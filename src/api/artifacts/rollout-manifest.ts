import { z } from 'zod';
import { nullable, uint32 } from './fields.ts';
import { healthGateSchema } from './health-gate.ts';
import { metaSchema } from './meta.ts';
import { selectorSchema } from './selector.ts';

/** A host of a rollout and what it shall run. */
const rolloutHostSchema = z.object({
  /** Its name in the fleet. */
  hostname: z.string(),
  /** The first wave of the channel that lists it; 0 where none does. */
  waveIndex: uint32,
  /** The closure it shall run. */
  targetClosure: z.string(),
});

/** A disruption budget with its hosts named. */
export const rolloutBudgetSchema = z.object({
  /** The selector it was resolved from; budgets of equal selectors share their hosts in flight. */
  selector: selectorSchema,
  /** The selected hosts of all channels, ascending, fixed for the life of the rollout. */
  hosts: z.array(z.string()),
  /** How many may be in flight; null: no such limit. */
  maxInFlight: nullable(uint32),
  /** The same as a percentage of `hosts`; null: no such limit. */
  maxInFlightPct: nullable(uint32),
});

/** `releases/rollouts/<id>.json`: one channel's part of a fleet (planner.md §3.2). */
export const rolloutManifestSchema = z.object({
  /** 1. */
  schemaVersion: uint32,
  /** For people only. */
  displayName: z.string(),
  /** The channel. */
  channel: z.string(),
  /** What of the channel: the commit. With the channel it makes the rollout id. */
  channelRef: z.string(),
  /** SHA-256 (hex) of the canonical fleet it was projected from. */
  fleetResolvedHash: z.string(),
  /** Its hosts; producers sort them by name. */
  hostSet: z.array(rolloutHostSchema),
  /** The health gate of the channel's policy; required, unlike in a policy. */
  healthGate: healthGateSchema,
  /** The fleet's budgets with their hosts named. */
  disruptionBudgets: z.array(rolloutBudgetSchema).default([]),
  /** Who made it and when. */
  meta: metaSchema,
});

/** `releases/rollouts/<id>.json`: one channel's part of a fleet (planner.md §3.2). */
export type RolloutManifest = z.infer<typeof rolloutManifestSchema>;
