/** Whether a record can be written into its object: what cannot would fail on every attempt (kubernetes-api.md). */
import { PROBES_MAX } from '../../api/kinds/host-rollout-record.ts';
import { byteLength } from './cut-text.ts';
import type { FoldState } from './extras.ts';

const closureMaxLength = 512;
const probeNameMaxLength = 253;
/** Bytes of JSON that the probes of one record may take. */
const probesMaxBytes = 65_536;

/** Why `after` cannot be stored, or undefined. What `before` holds already is never held against an event. */
export function notStorable(before: FoldState, after: FoldState): string | undefined {
  for (const name of ['currentClosureAtDispatch', 'currentClosure', 'revertedTo'] as const) {
    if ((after.record[name]?.length ?? 0) > closureMaxLength) {
      return `${name} is longer than ${closureMaxLength} characters`;
    }
  }
  return after.record.probes === before.record.probes ? undefined : probesNotStorable(before, after);
}

function probesNotStorable(before: FoldState, after: FoldState): string | undefined {
  const { probes } = after.record;
  if (probes.size > PROBES_MAX) return `the host has more than ${PROBES_MAX} probes`;
  for (const name of probes.keys()) {
    if (name.length > probeNameMaxLength) return `probeName is longer than ${probeNameMaxLength} characters`;
  }
  const bytes = probesBytes(after);
  return bytes > probesMaxBytes && bytes > probesBytes(before)
    ? `the host's probes take more than ${probesMaxBytes} bytes`
    : undefined;
}

function probesBytes({ record, extras }: FoldState): number {
  return byteLength(JSON.stringify([[...record.probes], [...extras.failingControls]]));
}
