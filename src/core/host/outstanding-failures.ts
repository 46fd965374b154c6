/** What of a host's probes still fails (D4). */
import type { FoldState } from './extras.ts';

/**
 * The number of outstanding enforced failures of a record: a probe with controls counts its failing enforced controls,
 * whatever its own status and mode; a probe without counts once where it is enforced and fails. Only last results
 * count.
 */
export function outstandingFailures({ record, extras }: FoldState): number {
  let failures = 0;
  for (const [name, probe] of record.probes) {
    const controls = extras.failingControls.get(name);
    if (controls !== undefined) failures += controls.length;
    else if (probe.mode === 'enforce' && probe.status === 'fail') failures += 1;
  }
  return failures;
}
