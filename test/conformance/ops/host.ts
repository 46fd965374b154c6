import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { onHealthFailureSchema } from '../../../src/api/wire/enums.ts';
import { wireTime } from '../../../src/api/wire/fields.ts';
import { hostRolloutSnapshotSchema } from '../../../src/api/wire/snapshot.ts';
import { advanceTick } from '../../../src/core/host/advance-tick.ts';
import { newPending } from '../../../src/core/host/record.ts';
import { rehydrate } from '../../../src/core/host/rehydrate.ts';
import type { HostStepError } from '../../../src/core/host/result.ts';
import { mergeSnapshot } from '../../../src/core/host/snapshot.ts';
import { step } from '../../../src/core/host/step.ts';
import { decodeEnvelope, encodeEvent } from '../../../src/core/host/wire.ts';
import { printEffects, printEvent, printRecord, readEvent, readRecord, snakeKeys } from './host-json.ts';
import type { Op } from './op.ts';

const policySchema = z.object({ onHealthFailure: onHealthFailureSchema });
const stepInput = z.object({ prior: z.unknown(), event: z.unknown(), now: wireTime, policy: policySchema });
const traceInput = z.object({
  initial: z.unknown(),
  policy: policySchema,
  steps: z.array(z.object({ event: z.unknown(), now: wireTime })),
});
const tickInput = z.object({ record: z.unknown(), now: wireTime, policy: policySchema.nullish() });

/** Operations of the host room by their name in the vector files. */
export const ops: Record<string, Op> = {
  host_step: hostStep,
  host_trace: hostTrace,
  rehydrate: (input) => {
    const { record } = z.object({ record: z.unknown() }).parse(input);
    return { ok: { effects: printEffects(rehydrate(readRecord(record))) } };
  },
  new_pending: (input) => {
    const { initial } = z.object({ initial: z.unknown() }).parse(input);
    return { ok: { record: printRecord(newPending(readRecord(initial))) } };
  },
  wire,
  snapshot_merge: snapshotMerge,
  advance_tick: (input) => {
    const { record, now, policy } = tickInput.parse(input);
    const event = advanceTick(readRecord(record), now, policy ?? undefined);
    return { ok: { events: event === undefined ? [] : [printEvent({ family: 'local', event })] } };
  },
};

function hostStep(input: unknown): unknown {
  const { prior, event, now, policy } = stepInput.parse(input);
  const result = step(readRecord(prior), readEvent(event), now, policy);
  if (!result.ok) return { err: printError(result.error) };
  return { ok: { next: printRecord(result.next), effects: printEffects(result.effects) } };
}

/** A trace goes on after an error, with the record as it was. */
function hostTrace(input: unknown): unknown {
  const { initial, policy, steps } = traceInput.parse(input);
  let record = newPending(readRecord(initial));
  const printed = steps.map(({ event, now }) => {
    const result = step(record, readEvent(event), now, policy);
    if (!result.ok) return { err: printError(result.error) };
    const delta = changedMembers(printRecord(record), printRecord(result.next));
    record = result.next;
    return { ok: { delta, effects: printEffects(result.effects) } };
  });
  return { steps: printed, final: printRecord(record) };
}

function wire(input: unknown): unknown {
  const { envelope } = z.object({ envelope: z.unknown() }).parse(input);
  const decoded = decodeEnvelope(envelope);
  if (!decoded.ok) return { err: { kind: 'Decode' } };
  const { event } = decoded.value;
  return {
    ok: {
      envelope: { ...decoded.value, event: encodeEvent(event) },
      event: printEvent({ family: 'remote', event }),
      seq: event.seq,
    },
  };
}

function snapshotMerge(input: unknown): unknown {
  const { existing, snapshot } = z.object({ existing: z.unknown(), snapshot: z.unknown() }).parse(input);
  const known = existing === null || existing === undefined ? undefined : readRecord(existing);
  const merged = mergeSnapshot(known, hostRolloutSnapshotSchema.parse(snapshot));
  return { ok: { record: printRecord(merged), effects: printEffects(rehydrate(merged)) } };
}

function printError(error: HostStepError): unknown {
  return snakeKeys(error);
}

/** The top-level members that differ, with the new value; what disappeared is null. */
export function changedMembers(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = Object.keys({ ...before, ...after });
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  return Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
}
