import { z } from 'zod';
import { hostStateSchema, rolloutStateSchema } from '../../../src/api/wire/enums.ts';
import { wireOptional, wireText, wireTime, wireUnsigned } from '../../../src/api/wire/fields.ts';
import type { RolloutEvent } from '../../../src/core/rollout/events.ts';
import type { RolloutRecord } from '../../../src/core/rollout/record.ts';
import type { RolloutStepError } from '../../../src/core/rollout/result.ts';
import { stepRollout } from '../../../src/core/rollout/step.ts';
import { anyObject, camelKeys, snakeKeys } from './host-json.ts';
import { changedMembers } from './host.ts';
import type { Op } from './op.ts';

const recordSchema = z.object({
  rolloutId: wireText,
  channel: wireText,
  targetRef: wireText,
  state: rolloutStateSchema,
  currentWave: wireUnsigned,
  openedEventLogSeq: wireOptional(wireUnsigned),
  lastTransitionEventLogSeq: wireOptional(wireUnsigned),
  openedAt: wireTime,
  terminalAt: wireOptional(wireTime),
  supersededAt: wireOptional(wireTime),
});

const ofRollout = { rolloutId: wireText, at: wireTime };
const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('RolloutOpened'), channel: wireText, targetRef: wireText, ...ofRollout }),
  z.object({ type: z.literal('HostJoined'), hostId: wireText, wave: wireUnsigned, ...ofRollout }),
  z.object({
    type: z.literal('HostStateChanged'),
    hostId: wireText,
    from: hostStateSchema,
    to: hostStateSchema,
    ...ofRollout,
  }),
  z.object({ type: z.literal('WaveAdvanced'), fromWave: wireUnsigned, toWave: wireUnsigned, ...ofRollout }),
  z.object({ type: z.literal('RolloutTerminal'), ...ofRollout }),
  z.object({
    type: z.literal('SuccessorOpened'),
    supersededRolloutId: wireText,
    successorRolloutId: wireText,
    at: wireTime,
  }),
  z.object({ type: z.literal('RetentionExpired'), ...ofRollout }),
  z.object({ type: z.literal('OperatorClearance'), operator: wireText, reason: wireText, ...ofRollout }),
]);

const stepInput = z.object({ prior: z.unknown(), event: z.unknown(), now: wireTime });
const traceInput = z.object({
  initial: z.unknown(),
  steps: z.array(z.object({ event: z.unknown(), now: wireTime })),
});

/** Operations of the rollout room by their name in the vector files. */
export const ops: Record<string, Op> = { rollout_step: rolloutStep, rollout_trace: rolloutTrace };

function rolloutStep(input: unknown): unknown {
  const { prior, event, now } = stepInput.parse(input);
  const result = stepRollout(readRecord(prior), readEvent(event), now);
  if (!result.ok) return { err: printError(result.error) };
  return { ok: { next: print(result.next), effects: result.effects.map(printEffect) } };
}

/** A trace goes on after an error, with the record as it was. */
function rolloutTrace(input: unknown): unknown {
  const { initial, steps } = traceInput.parse(input);
  let record = readRecord(initial);
  const printed = steps.map(({ event, now }) => {
    const result = stepRollout(record, readEvent(event), now);
    if (!result.ok) return { err: printError(result.error) };
    const delta = changedMembers(print(record), print(result.next));
    record = result.next;
    return { ok: { delta, effects: result.effects.map(printEffect) } };
  });
  return { steps: printed, final: print(record) };
}

function readRecord(value: unknown): RolloutRecord {
  return recordSchema.parse(camelKeys(value));
}

function readEvent(value: unknown): RolloutEvent {
  const [[type, members] = ['', undefined]] = Object.entries(anyObject.parse(value));
  return eventSchema.parse({ ...anyObject.parse(camelKeys(members)), type });
}

function print(value: unknown): Record<string, unknown> {
  return anyObject.parse(snakeKeys(value));
}

function printEffect({ type, ...members }: { readonly type: string }): unknown {
  return { [type]: snakeKeys(members) };
}

function printError(error: RolloutStepError): unknown {
  return snakeKeys(error);
}
