/** What an agent does after it has loaded a record (state-machine.md §7). */
import { resetProbeCache, type LocalResetProbeCache } from './effects.ts';
import type { HostRecord } from './record.ts';

/** Nothing for Pending; in every other state probe results are void. */
export function rehydrate(record: HostRecord): readonly LocalResetProbeCache[] {
  return record.state === 'Pending' ? [] : [resetProbeCache(record)];
}
