/** Making an event small enough to store (architecture.md §1, rule 5). */
import { FAILING_CONTROLS_MAX } from '../../api/kinds/host-rollout-record.ts';
import { parseTimestamp, type Timestamp } from '../../api/time.ts';
import type { AgentEvent, SubResult } from '../../api/wire/events.ts';
import { keptHead, keptTail } from './cut-text.ts';

/** Bytes kept of the end of a failed switch's output. */
export const stderrTailMaxBytes = 4096;
/** Bytes kept of a probe's reason. */
export const failureReasonMaxBytes = 1024;
/** Bytes kept of the names of probes and controls in lists. */
export const listedNameMaxBytes = 128;
/** Names kept of a failure's list of probes. */
export const failingProbesMax = 128;

/**
 * An event as an inbox keeps it. Of a probe's sub-results only failing enforced controls are left: an empty list means
 * that there were controls and none fails, an absent one that there were none. `failingControlCount` says how many
 * there were where the list was cut.
 */
export type StoredEvent = AgentEvent & { readonly failingControlCount?: number | undefined };

/**
 * The event, cut down to what the operator ever looks at. Apply it once, to what the agent sent. A leap second becomes
 * the last nanosecond before it, because the API server takes `:60` for no time at all.
 */
export function reduceEvent(event: AgentEvent): StoredEvent {
  return withStorableTimes(withBoundedTexts(event));
}

/** The failing enforced controls of a reduced result; undefined where the probe has no controls. */
export function failingControlsOf(event: StoredEvent): readonly string[] | undefined {
  if (event.kind !== 'ProbeResult') return undefined;
  return event.subResults?.map((control) => control.controlId);
}

/** A time that the API server accepts. */
export function storableTime(time: Timestamp): Timestamp {
  return isLeapSecond(time) ? (parseTimestamp(leapless(time)) ?? time) : time;
}

function withBoundedTexts(event: AgentEvent): StoredEvent {
  switch (event.kind) {
    case 'ActivationFailed':
      return { ...event, stderrTail: keptTail(event.stderrTail, stderrTailMaxBytes) };
    case 'Failed':
      return {
        ...event,
        failingProbes: event.failingProbes
          .slice(0, failingProbesMax)
          .map((name) => keptHead(name, listedNameMaxBytes)),
      };
    case 'ProbeResult': {
      const { failureReason } = event;
      return {
        ...event,
        failureReason:
          failureReason === undefined ? undefined : keptHead(failureReason, failureReasonMaxBytes),
        ...boundedControls(event.subResults),
      };
    }
    default:
      return event;
  }
}

/** Sub-results decide over a probe as soon as there is one, so that the difference from none has to survive. */
function boundedControls(subResults: readonly SubResult[] | undefined): {
  subResults?: SubResult[] | undefined;
  failingControlCount?: number;
} {
  if (subResults === undefined || subResults.length === 0) return { subResults: undefined };
  const failing = new Map<string, SubResult>();
  for (const { controlId, status, framework, effectiveMode } of subResults) {
    if (status !== 'fail' || effectiveMode !== 'enforce') continue;
    const name = keptHead(controlId, listedNameMaxBytes);
    failing.set(name, {
      controlId: name,
      status,
      framework: keptHead(framework, listedNameMaxBytes),
      effectiveMode,
    });
  }
  const kept = [...failing.values()].slice(0, FAILING_CONTROLS_MAX);
  return kept.length < failing.size
    ? { subResults: kept, failingControlCount: failing.size }
    : { subResults: kept };
}

function withStorableTimes(event: StoredEvent): StoredEvent {
  const members: [string, unknown][] = Object.entries(event);
  const leaps = members.flatMap(([name, value]) =>
    name.endsWith('At') && typeof value === 'string' && isLeapSecond(value) ? [[name, leapless(value)]] : [],
  );
  return leaps.length === 0 ? event : { ...event, ...Object.fromEntries(leaps) };
}

function leapless(time: string): string {
  return `${time.slice(0, 17)}59.999999999Z`;
}

function isLeapSecond(time: string): boolean {
  return time.slice(17, 19) === '60';
}
