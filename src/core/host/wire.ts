/** Reading and writing what agents send (state-machine.md §4.3–4.5). */
import type { z } from 'zod';
import { agentEventSchema, eventEnvelopeSchema } from '../../api/wire/events.ts';
import type { AgentEvent, EventEnvelope, SubResult } from '../../api/wire/events.ts';

/** A decoded value, or a message that names the member and what is wrong with it. */
export type Decoded<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly message: string };

/** Decodes the parsed body of POST /v1/agent/events: times in normal form, `effectiveMode` written out. */
export function decodeEnvelope(value: unknown): Decoded<EventEnvelope> {
  return decode(eventEnvelopeSchema, value);
}

/** Decodes one event, as it stands in an envelope or in an inbox. */
export function decodeEvent(value: unknown): Decoded<AgentEvent> {
  return decode(agentEventSchema, value);
}

/** The event as JSON carries it: a copy without members that are undefined. */
export function encodeEvent(event: AgentEvent): AgentEvent {
  if (event.kind !== 'ProbeResult') return event;
  const { failureReason, subResults, ...members } = event;
  return {
    ...members,
    ...(failureReason !== undefined && { failureReason }),
    ...(subResults !== undefined && { subResults: subResults.map(encodeSubResult) }),
  };
}

/** Decodes `value` by a schema; the message names the first member at fault. */
export function decode<Schema extends z.ZodType>(schema: Schema, value: unknown): Decoded<z.output<Schema>> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const messages = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
  );
  return { ok: false, message: String(messages[0]) };
}

function encodeSubResult({ article, overrideReason, ...members }: SubResult): SubResult {
  return {
    ...members,
    ...(article !== undefined && { article }),
    ...(overrideReason !== undefined && { overrideReason }),
  };
}
