/** The order to switch back (state-machine.md §5.3, §5.5). */
import type { OnHealthFailure } from '../../../api/wire/enums.ts';
import type { LocalFireRollbackTo } from '../effects.ts';
import type { EventFamily } from '../events.ts';
import type { HostRecord } from '../record.ts';

/**
 * The rollback that an agent owes itself under `policy`: none for the control plane, none under `halt`, none where it
 * is not known what to go back to (an empty closure counts as known).
 */
export function rollbackOrders(
  record: HostRecord,
  family: EventFamily,
  policy: OnHealthFailure,
): LocalFireRollbackTo[] {
  const closure = record.currentClosureAtDispatch;
  if (family === 'remote' || policy !== 'rollback-and-halt' || closure === undefined) return [];
  return [{ type: 'LocalFireRollbackTo', rolloutId: record.rolloutId, closure }];
}
