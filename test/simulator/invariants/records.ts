import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../../src/api/kinds/resources.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { NAMESPACE } from '../replica.ts';
import type { SimApi } from '../sim-api.ts';
import type { ApiChange } from '../sim-api.ts';

/** Looks at the stored objects that several rules need; written apart from the operator's own helpers on purpose. */

export function allRecords(api: SimApi): HostRolloutRecord[] {
  return api.all(hostRolloutRecordResource);
}

export function rolloutOf(api: SimApi, record: HostRolloutRecord): Rollout | undefined {
  return api.peek(rolloutResource, { namespace: NAMESPACE, name: record.spec.rolloutRef });
}

/** Whether the Rollout that a record was made for is no more. What is said about it then cannot be decided (D21). */
export function isOrphan(api: SimApi, { metadata }: HostRolloutRecord): boolean {
  const owner = metadata.ownerReferences?.[0]?.uid;
  return !api.all(rolloutResource).some((rollout) => rollout.metadata.uid === owner);
}

/** The newest try of each host in a Rollout, by host. */
export function newestTries(api: SimApi, rollout: string): Map<string, HostRolloutRecord> {
  const newest = new Map<string, HostRolloutRecord>();
  for (const record of allRecords(api)) {
    if (record.spec.rolloutRef !== rollout) continue;
    const known = newest.get(record.spec.hostname);
    if (known === undefined || known.spec.attempt < record.spec.attempt)
      newest.set(record.spec.hostname, record);
  }
  return newest;
}

export function stateOf(record: HostRolloutRecord | undefined): string {
  return record?.status?.state ?? 'Pending';
}

/** A change of a record as before and after; undefined for other kinds. */
export function recordChange(
  change: ApiChange,
): { readonly before: HostRolloutRecord | undefined; readonly after: HostRolloutRecord } | undefined {
  if (change.plural !== 'hostrolloutrecords') return undefined;
  return {
    before: change.before as HostRolloutRecord | undefined,
    after: change.object as unknown as HostRolloutRecord,
  };
}

/** Whether this change handed a dispatch out for the first time. */
export function isFirstDelivery(change: ApiChange): boolean {
  const record = recordChange(change);
  if (record === undefined || change.type !== 'MODIFIED') return false;
  const [old, mark] = [record.before?.status?.dispatch, record.after.status?.dispatch];
  return mark?.deliveredAt !== undefined && old?.deliveredAt === undefined;
}

/** Host and rollout for people. */
export function nameOf({ spec }: HostRolloutRecord): string {
  return `${spec.hostname} in ${spec.channel}@${spec.ref}`;
}
