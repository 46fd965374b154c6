import type { HistoryEntry, HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import type { FoldOutcome, Refusal } from '../../core/host/inbox.ts';
import type { ControllerContext } from '../context.ts';

/** Tells people what a stored fold has changed: audit lines, Events, metrics. */
export function tellFold(context: ControllerContext, record: HostRolloutRecord, outcome: FoldOutcome): void {
  const about = {
    record: record.metadata.name,
    host: record.spec.hostname,
    rolloutId: record.spec.rolloutId,
  };
  for (const effect of outcome.effects) {
    if (effect.type === 'RemoteAppendEventLog') {
      context.audit.info({ ...about, event: effect.payload }, 'host event applied');
    }
  }
  for (const transition of outcome.transitions) tellTransition(context, record, about, transition);
  for (const refusal of outcome.refused) tellRefusal(context, record, about, refusal);
}

function tellTransition(
  context: ControllerContext,
  record: HostRolloutRecord,
  about: object,
  { from, to, at, seq, cause }: HistoryEntry,
): void {
  context.metrics.hostTransition(from, to);
  context.audit.info({ ...about, from, to, at, seq, cause }, 'host transition');
  context.events.record({
    about: record,
    type: to === 'Failed' || to === 'Reverted' ? 'Warning' : 'Normal',
    reason: to,
    message: `${record.spec.hostname} went from ${from} to ${to} (${cause}, event ${seq})`,
  });
}

function tellRefusal(
  context: ControllerContext,
  record: HostRolloutRecord,
  about: object,
  { entry, error }: Refusal,
): void {
  const reason = error.kind === 'Invariant' ? error.code : error.kind;
  const { kind } = entry.event;
  context.metrics.eventRefused(reason);
  context.audit.warn({ ...about, seq: entry.seq, event: kind, error }, 'stored host event refused');
  context.events.record({
    about: record,
    type: 'Warning',
    reason: 'EventRefused' satisfies EventReason,
    message: `${kind} (event ${entry.seq ?? 'without number'}) was not applied: ${reason}`,
  });
}
