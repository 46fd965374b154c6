/** The advance ticker: what time alone makes of the records (agent-protocol.md §3.8). */
import { addMillis, millisBetween, type Timestamp } from '../../api/time.ts';
import { advanceTick } from '../../core/host/advance-tick.ts';
import type { HostRecord } from '../../core/host/record.ts';
import type { AgentParts } from '../agent-parts.ts';

/** Every five seconds, the first after five. */
export async function runAdvanceTicker(parts: AgentParts): Promise<void> {
  const { clock, signal, constants } = parts;
  while (!signal.aborted) {
    await clock.sleep(constants.advanceTickEvery, signal).catch(() => undefined);
    if (signal.aborted) return;
    for (const record of parts.reducer.records()) tick(parts, record);
  }
}

function tick({ reducer, now, constants }: AgentParts, record: HostRecord): void {
  const at = now();
  const due = advanceTick(accelerated(record, at, constants.factor), at, reducer.policy(record.channel));
  if (due !== undefined) reducer.dispatch(record.rolloutId, due);
}

/**
 * The rule of 120 seconds is the core's and knows no factor: an agent that lives faster sees a failure that is older
 * by the factor.
 */
export function accelerated(record: HostRecord, now: Timestamp, factor: number): HostRecord {
  const since = record.probeFailureFirstAt;
  if (factor === 1 || since === undefined) return record;
  return { ...record, probeFailureFirstAt: addMillis(now, -millisBetween(since, now) * factor) };
}
