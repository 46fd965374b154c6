/**
 * What agents report, one event per POST (state-machine.md §4, agent-protocol.md §1.4). Unknown members are dropped at
 * every level; what is required may be neither absent nor null.
 */
import { z } from 'zod';
import { onHealthFailureSchema, probeModeSchema, probeStatusSchema } from './enums.ts';
import { wireExitCode, wireOptional, wireText, wireTime, wireUnsigned } from './fields.ts';

const seq = wireUnsigned;

/** The host has taken its dispatch. Real agents send the target as `currentClosureAtDispatch`. */
export const dispatchAckSchema = z.object({
  kind: z.literal('DispatchAck'),
  currentClosureAtDispatch: wireText,
  receivedAt: wireTime,
  seq,
});

/** The system switch runs. */
export const activationStartedSchema = z.object({
  kind: z.literal('ActivationStarted'),
  startedAt: wireTime,
  switchMethod: wireText,
  seq,
});

/** The system switch is done; neither closure nor exit code say whether it went well. */
export const activationCompletedSchema = z.object({
  kind: z.literal('ActivationCompleted'),
  observedCurrentClosure: wireText,
  exitCode: wireExitCode,
  completedAt: wireTime,
  seq,
});

/** The system switch went wrong. */
export const activationFailedSchema = z.object({
  kind: z.literal('ActivationFailed'),
  exitCode: wireExitCode,
  stderrTail: wireText,
  failedAt: wireTime,
  seq,
});

/** The live switch was skipped because `component` cannot be swapped live; the host waits for a reboot. */
export const activationDeferredSchema = z.object({
  kind: z.literal('ActivationDeferred'),
  component: wireText,
  deferredAt: wireTime,
  seq,
});

/** The probes that the host has declared. */
export const probeTopologyDeclaredSchema = z.object({
  kind: z.literal('ProbeTopologyDeclared'),
  probes: z.array(z.object({ probeName: wireText, kind: wireText, mode: probeModeSchema })),
  declaredAt: wireTime,
  seq,
});

/** A probe ran for the first time. */
export const probeObservedFirstSchema = z.object({
  kind: z.literal('ProbeObservedFirst'),
  probeName: wireText,
  mode: probeModeSchema,
  observedAt: wireTime,
  seq,
});

/** The result of one control of an evidence probe. An absent `effectiveMode` is `enforce`; null is an error. */
export const subResultSchema = z.object({
  controlId: wireText,
  status: probeStatusSchema,
  framework: wireText,
  article: wireOptional(wireText),
  effectiveMode: probeModeSchema.default('enforce'),
  overrideReason: wireOptional(wireText),
});

/** The result of one control of an evidence probe. */
export type SubResult = z.infer<typeof subResultSchema>;

/** A probe ran. */
export const probeResultSchema = z.object({
  kind: z.literal('ProbeResult'),
  probeName: wireText,
  mode: probeModeSchema,
  status: probeStatusSchema,
  observedAt: wireTime,
  failureReason: wireOptional(wireText),
  subResults: wireOptional(z.array(subResultSchema)),
  seq,
});

/** A probe failed after it had passed, or at its first run. */
export const probeFailureFirstSchema = z.object({
  kind: z.literal('ProbeFailureFirst'),
  probeName: wireText,
  mode: probeModeSchema,
  firstFailedAt: wireTime,
  seq,
});

/** Probes failed for too long; the agent has decided that the host has failed. */
export const failedSchema = z.object({
  kind: z.literal('Failed'),
  failedAt: wireTime,
  sustainedDurationSecs: wireUnsigned,
  failingProbes: z.array(wireText),
  policyApplied: onHealthFailureSchema,
  seq,
});

/** The host has switched back. */
export const rollbackCompleteSchema = z.object({
  kind: z.literal('RollbackComplete'),
  revertedToClosure: wireText,
  exitCode: wireExitCode,
  completedAt: wireTime,
  seq,
});

/** The soak window is over and nothing failed. */
export const convergedSchema = z.object({
  kind: z.literal('Converged'),
  convergedAt: wireTime,
  currentClosure: wireText,
  seq,
});

/** All twelve kinds, told apart by `kind`. */
export const agentEventSchema = z.discriminatedUnion('kind', [
  dispatchAckSchema,
  activationStartedSchema,
  activationCompletedSchema,
  activationFailedSchema,
  activationDeferredSchema,
  probeTopologyDeclaredSchema,
  probeObservedFirstSchema,
  probeResultSchema,
  probeFailureFirstSchema,
  failedSchema,
  rollbackCompleteSchema,
  convergedSchema,
]);

/** One event as the wire carries it, decoded: times in normal form, nulls gone, `effectiveMode` written out. */
export type AgentEvent = z.infer<typeof agentEventSchema>;

/** The name of a kind of event, as the wire spells it. */
export type AgentEventKind = AgentEvent['kind'];

/** The event of one kind. */
export type AgentEventOf<Kind extends AgentEventKind> = Extract<AgentEvent, { kind: Kind }>;

/** The body of POST /v1/agent/events. Nobody checks `signature` in v0.2. */
export const eventEnvelopeSchema = z.object({
  hostname: wireText,
  rolloutId: wireText,
  event: agentEventSchema,
  signature: wireOptional(wireText),
});

/** The body of POST /v1/agent/events, decoded. */
export type EventEnvelope = z.infer<typeof eventEnvelopeSchema>;
