import { API_VERSION, LABEL_FLEET } from '../../api/group.ts';
import type { HostRolloutRecord, PendingEffect } from '../../api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../api/kinds/quarantined-closure.ts';
import { hostRolloutRecordResource, quarantinedClosureResource } from '../../api/kinds/resources.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import { nameLabel, quarantineName } from '../../core/naming.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import { createObject, updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';

/**
 * Does what a record's fold left to be done outside the record, then takes it off the list. Names are made from record
 * and event, so that doing it twice makes one object (architecture.md §1, Events 3).
 */
export async function runPendingEffects(
  context: ControllerContext,
  record: HostRolloutRecord,
): Promise<void> {
  const effects = record.status?.pendingEffects ?? [];
  if (record.status === undefined || effects.length === 0) return;
  for (const effect of effects) await insertQuarantine(context, record, effect);
  const { pendingEffects: _done, ...status } = record.status;
  await updateStatus(context.client, hostRolloutRecordResource, context.stores.records, {
    base: record,
    next: { ...record, status },
  });
}

async function insertQuarantine(
  context: ControllerContext,
  record: HostRolloutRecord,
  effect: PendingEffect,
): Promise<void> {
  const { client, stores, audit, events } = context;
  const quarantine = quarantineOf(context, record, effect);
  try {
    await createObject(client, quarantinedClosureResource, stores.quarantines, quarantine);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return;
  }
  const { channel, closure, reason, seq } = effect;
  const { rolloutId, hostname } = record.spec;
  const { name } = quarantine.metadata;
  audit.info({ quarantine: name, channel, closure, rolloutId, host: hostname, seq }, 'closure quarantined');
  const message = `${closure} is refused on channel ${channel}: ${reason}. Delete quarantinedclosure/${name} to lift it`;
  events.record({
    about: record,
    type: 'Warning',
    reason: 'ClosureQuarantined' satisfies EventReason,
    message,
  });
}

function quarantineOf(
  context: ControllerContext,
  record: HostRolloutRecord,
  { channel, closure, reason, seq, at }: PendingEffect,
): QuarantinedClosure {
  const { rolloutId, hostname } = record.spec;
  return {
    apiVersion: API_VERSION,
    kind: 'QuarantinedClosure',
    metadata: {
      name: quarantineName(channel, record.metadata.uid ?? '', seq),
      namespace: context.namespace,
      labels: nameLabel(LABEL_FLEET, context.fleetName),
    },
    spec: { channel, closure, reason, rolloutId, hostname, quarantinedAt: at },
  };
}
