import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import {
  foldInbox,
  writeDueInMillis,
  type FoldOutcome,
  type PendingPermission,
} from '../../core/host/inbox.ts';
import {
  inboxFromObject,
  policyFromObject,
  recordFromObject,
  statusFromRecord,
} from '../../core/host/object.ts';
import { updateStatus } from '../../kube/writes.ts';
import { keyIn, type ControllerContext } from '../context.ts';
import type { RecoveryGates } from './recovery-gates.ts';

/** What became of a record's inbox. */
export interface Folded {
  /** The record after the fold; as it was where the fold waits. */
  readonly record: HostRolloutRecord;
  /** Absent where nothing was written. */
  readonly outcome?: FoldOutcome;
  /** When the entries that wait have to be folded, in milliseconds. */
  readonly dueInMs?: number;
}

/**
 * Folds a record's inbox. New state and removed entries are one PUT: where it loses its compare-and-swap, nothing has
 * happened (architecture.md §1, Events 2).
 */
export async function foldRecord(
  context: ControllerContext,
  gates: RecoveryGates,
  base: HostRolloutRecord,
): Promise<Folded> {
  const started = context.clock.monotonicMillis();
  const now = context.clock.now();
  const inbox = inboxFromObject(base);
  const permission = permissionFor(context, gates, base);
  const outcome = foldInbox(recordFromObject(base), inbox, {
    now,
    policy: policyFromObject(base),
    ...(permission !== undefined && { pendingRecovery: permission }),
  });
  context.metrics.folded((context.clock.monotonicMillis() - started) / 1000);
  const dueInMs = writeDueInMillis(outcome, inbox, now, context.settings);
  if (dueInMs === undefined) return { record: base };
  if (dueInMs > 0) return { record: base, dueInMs };
  const next = { ...base, status: statusFromRecord(base.status, outcome) };
  const record = await updateStatus(context.client, hostRolloutRecordResource, context.stores.records, {
    base,
    next,
  });
  return { record, outcome };
}

/** What the leader may do for a Pending record; nothing while a gate blocks. */
function permissionFor(
  context: ControllerContext,
  gates: RecoveryGates,
  { metadata, spec, status }: HostRolloutRecord,
): PendingPermission | undefined {
  if ((status?.state ?? 'Pending') !== 'Pending' || !gates.isOpen(metadata.name)) return undefined;
  const host = context.stores.hosts.get(keyIn(context, spec.hostRef));
  return { stopAtSoaking: gates.stopAtSoaking(metadata.name), hostClosure: host?.status?.closure };
}
