/**
 * The enumerations of the wire, in the wire's own spelling (state-machine.md §1.2). No other spelling is accepted:
 * neither other casing nor the state names of v0.1.
 */
import { z } from 'zod';

/** Where one host stands in one rollout. */
export const hostStateSchema = z.enum([
  'Pending',
  'Activating',
  'Deferred',
  'Soaking',
  'Converged',
  'Failed',
  'Reverted',
]);

/** Where one host stands in one rollout (state-machine.md §2). */
export type HostState = z.infer<typeof hostStateSchema>;

/** Where a rollout as a whole stands. */
export const rolloutStateSchema = z.enum([
  'Opening',
  'Active',
  'Converging',
  'Terminal',
  'Reverted',
  'Failed',
  'Superseded',
  'Pruned',
]);

/** Where a rollout as a whole stands (state-machine.md §10). */
export type RolloutState = z.infer<typeof rolloutStateSchema>;

/** The outcome of one probe or of one of its controls. */
export const probeStatusSchema = z.enum(['pass', 'fail']);

/** The outcome of one probe or of one of its controls. */
export type ProbeStatus = z.infer<typeof probeStatusSchema>;

/** Whether a probe's failure counts. */
export const probeModeSchema = z.enum(['enforce', 'observe', 'disabled']);

/** Whether a probe's failure counts: only `enforce` ever holds a host back. */
export type ProbeMode = z.infer<typeof probeModeSchema>;

/** What an agent does once a host has failed. */
export const onHealthFailureSchema = z.enum(['halt', 'rollback-and-halt']);

/** What an agent does once a host has failed: stay as it is, or switch back to what it ran before. */
export type OnHealthFailure = z.infer<typeof onHealthFailureSchema>;
