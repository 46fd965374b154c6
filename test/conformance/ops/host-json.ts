/**
 * The vectors' spelling of host records, events and effects: snake_case, one-key objects (state-machine.md §1.1,
 * §4.3, §5.1). Only the conformance suite speaks it.
 */
import { z } from 'zod';
import {
  hostStateSchema,
  onHealthFailureSchema,
  probeModeSchema,
  probeStatusSchema,
} from '../../../src/api/wire/enums.ts';
import { agentEventSchema } from '../../../src/api/wire/events.ts';
import { wireOptional, wireText, wireTime, wireUnsigned } from '../../../src/api/wire/fields.ts';
import type { HostEffect } from '../../../src/core/host/effects.ts';
import { eventNames, type HostEvent } from '../../../src/core/host/events.ts';
import { newPending, type HostRecord } from '../../../src/core/host/record.ts';
import { encodeEvent } from '../../../src/core/host/wire.ts';

/** Unlike z.record, hands out a member named `__proto__`, too. */
export const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

const probeSchema = z.object({
  status: probeStatusSchema,
  mode: probeModeSchema.default('enforce'),
  lastObservedAt: wireTime,
  lastPassAt: wireOptional(wireTime),
  failureReason: wireOptional(wireText),
});

const recordSchema = z.object({
  rolloutId: wireText,
  hostname: wireText,
  channel: wireText,
  state: hostStateSchema.default('Pending'),
  targetClosure: wireText,
  currentClosureAtDispatch: wireOptional(wireText),
  currentClosure: wireOptional(wireText),
  revertedTo: wireOptional(wireText),
  dispatchedAt: wireTime,
  dispatchAckedAt: wireOptional(wireTime),
  activationStartedAt: wireOptional(wireTime),
  activationCompletedAt: wireOptional(wireTime),
  activationFailedAt: wireOptional(wireTime),
  probeObservedFirstAt: wireOptional(wireTime),
  probeFailureFirstAt: wireOptional(wireTime),
  soakDueAt: wireOptional(wireTime),
  convergedAt: wireOptional(wireTime),
  failedAt: wireOptional(wireTime),
  policyApplied: wireOptional(onHealthFailureSchema),
  revertedAt: wireOptional(wireTime),
  lastEventSeq: wireUnsigned.default(0),
});

/** A full record, or the six members that create one. */
export function readRecord(value: unknown): HostRecord {
  const { probes, ...members } = anyObject.parse(value);
  const record = recordSchema.parse(camelKeys(members));
  const entries = Object.entries(anyObject.parse(probes ?? {}));
  return {
    ...newPending(record),
    ...record,
    probes: new Map(entries.map(([name, probe]) => [name, probeSchema.parse(camelKeys(probe))])),
  };
}

/** The record as the vectors print it. */
export function printRecord(record: HostRecord): Record<string, unknown> {
  const { probes, ...members } = record;
  const printed = [...probes].map(([name, probe]) => [name, snakeKeys(probe)]);
  return { ...anyObject.parse(snakeKeys(members)), probes: Object.fromEntries(printed) };
}

/** A wire event (has `kind`) is Remote; a one-key object names a Local one. */
export function readEvent(value: unknown): HostEvent {
  const object = anyObject.parse(value);
  if ('kind' in object) return { family: 'remote', event: agentEventSchema.parse(object) };
  const [[tag, members] = ['', undefined]] = Object.entries(object);
  const kind = Object.entries(eventNames).find(([, names]) => names.local === tag)?.[0];
  return {
    family: 'local',
    event: agentEventSchema.parse({ ...anyObject.parse(camelKeys(members)), kind }),
  };
}

/** The event as a one-key object. */
export function printEvent({ family, event }: HostEvent): unknown {
  const { kind, ...members } = encodeEvent(event);
  return { [eventNames[kind][family]]: snakeKeys(members) };
}

/** The effects as one-key objects; payloads stay wire events. */
export function printEffects(effects: readonly HostEffect[]): unknown[] {
  return effects.map((effect) => {
    const { type, ...members } = effect;
    const printed = anyObject.parse(snakeKeys(members));
    return { [type]: 'payload' in effect ? { ...printed, payload: encodeEvent(effect.payload) } : printed };
  });
}

/** All member names of a JSON value from snake_case to camelCase. */
export function camelKeys(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** All member names of a JSON value from camelCase to snake_case. */
export function snakeKeys(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [rename(name), renamed(item, rename)]),
  );
}
