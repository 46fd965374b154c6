import type { HostRolloutRecord, HostRolloutRecordStatus } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { EventReason } from '../../api/reasons-rollout.ts';
import { isCleared, type ClearRequest } from '../../core/rollout/clear.ts';
import { stateOf } from '../../core/rollout/current-records.ts';
import { isNotFound } from '../../kube/errors.ts';
import { casLoop, updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';

const CAS_ATTEMPTS = 5;

/**
 * Stamps `clearedAt` on every record that the request is about. The Rollout itself is stamped afterwards, with its
 * status: a crash in between does the same again.
 */
export async function carryOutClear(
  context: ControllerContext,
  rollout: Rollout,
  records: readonly HostRolloutRecord[],
  request: ClearRequest,
): Promise<void> {
  const cleared: string[] = [];
  for (const record of records) {
    if (isCleared(record, request) && (await stamp(context, record, request))) {
      cleared.push(record.spec.hostname);
    }
  }
  const { reason } = request;
  const names = cleared.length > 5 ? `${cleared.length} hosts` : cleared.join(', ') || 'no host';
  const message = `Left behind: ${names}. Reason given: ${reason}`;
  context.events.record({
    about: rollout,
    type: 'Normal',
    reason: 'RolloutCleared' satisfies EventReason,
    message,
  });
}

async function stamp(
  context: ControllerContext,
  cached: HostRolloutRecord,
  request: ClearRequest,
): Promise<boolean> {
  const { client, stores, audit } = context;
  const stamped = await casLoop(CAS_ATTEMPTS, async (attempt) => {
    const base = attempt === 0 ? cached : await readLive(context, cached);
    if (base === undefined || !isCleared(base, request)) return undefined;
    const status: HostRolloutRecordStatus = {
      ...(base.status ?? { state: 'Pending', lastEventSeq: base.spec.firstSeq }),
      clearedAt: request.at,
    };
    return updateStatus(client, hostRolloutRecordResource, stores.records, {
      base,
      next: { ...base, status },
    });
  });
  if (stamped === undefined) return false;
  const { rolloutId, hostname } = stamped.spec;
  const { at, reason } = request;
  audit.info(
    { rolloutId, host: hostname, state: stateOf(stamped), at, reason, cause: 'clear' },
    'host cleared',
  );
  return true;
}

async function readLive(
  context: ControllerContext,
  { metadata }: HostRolloutRecord,
): Promise<HostRolloutRecord | undefined> {
  try {
    const live = await context.client.get(hostRolloutRecordResource, metadata);
    return live.metadata.uid === metadata.uid ? live : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
