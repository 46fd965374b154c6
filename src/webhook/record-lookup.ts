import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../api/kinds/resources.ts';
import type { Rollout } from '../api/kinds/rollout.ts';
import type { HostState, RolloutState } from '../api/wire/enums.ts';
import { hostName, recordName } from '../core/naming.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { keyIn, RECORDS_BY_HOST, type WebhookContext } from './context.ts';
import { recordForEvent } from './decide-attempt.ts';

/** The cached records of a host, all rollouts and attempts. */
export function recordsOf(context: WebhookContext, hostname: string): readonly HostRolloutRecord[] {
  const found = context.stores.records.byIndex(RECORDS_BY_HOST, hostName(hostname));
  return found.filter((record) => record.spec.hostname === hostname);
}

/** The cached records of a host that take part in dispatch, recovery and snapshots (D14, D16). */
export function activeRecordsOf(context: WebhookContext, hostname: string): readonly HostRolloutRecord[] {
  const newest = new Map<string, HostRolloutRecord>();
  for (const record of recordsOf(context, hostname)) {
    const { rolloutRef, attempt } = record.spec;
    const known = newest.get(rolloutRef);
    if (known === undefined || known.spec.attempt < attempt) newest.set(rolloutRef, record);
  }
  return [...newest.values()].filter((record) => isLive(context, record));
}

/** The record that an event of this id belongs to, as far as the cache knows. */
export function cachedRecordForEvent(
  context: WebhookContext,
  hostname: string,
  rolloutId: string,
): HostRolloutRecord | undefined {
  const attempts = recordsOf(context, hostname)
    .filter((object) => object.spec.rolloutId === rolloutId)
    .map((object) => ({ object, rolloutAttempt: rolloutOf(context, object)?.spec.attempt ?? 0 }));
  return recordForEvent(attempts, context.clock.now());
}

/**
 * The record that an event of this id belongs to. Where the id has several attempts, which of them has begun is read
 * from the API server: the one before would refuse what the new one is waiting for. Rejects as a read does.
 */
export async function findRecordForEvent(
  context: WebhookContext,
  hostname: string,
  rolloutId: string,
  except: ReadonlySet<string | undefined>,
): Promise<HostRolloutRecord | undefined> {
  const known = recordsOf(context, hostname).filter(
    (object) => object.spec.rolloutId === rolloutId && !except.has(object.metadata.uid),
  );
  const [first, ...more] = known;
  if (first === undefined) return liveRecordForEvent(context, hostname, rolloutId);
  return more.length === 0 ? first : liveAttemptForEvent(context, known);
}

/**
 * The record that an event belongs to after all, where `record` has refused it: the attempt in force, which the cache
 * may not know yet. Undefined where it is the same.
 */
export async function otherRecordForEvent(
  context: WebhookContext,
  record: HostRolloutRecord,
): Promise<HostRolloutRecord | undefined> {
  const { hostname, rolloutId } = record.spec;
  const inForce = await liveRecordForEvent(context, hostname, rolloutId);
  if (inForce === undefined || inForce.metadata.uid === record.metadata.uid) return undefined;
  const found = await liveAttemptForEvent(context, [record, inForce]);
  return found?.metadata.uid === record.metadata.uid ? undefined : found;
}

async function liveAttemptForEvent(
  context: WebhookContext,
  known: readonly HostRolloutRecord[],
): Promise<HostRolloutRecord | undefined> {
  const attempts = await Promise.all(
    known.map(async (record) => {
      const object = await readLiveRecord(context, record.metadata.name);
      const rollout =
        rolloutOf(context, record) ?? (await readLive(context, rolloutResource, record.spec.rolloutRef));
      return object && { object, rolloutAttempt: rollout?.spec.attempt ?? 0 };
    }),
  );
  return recordForEvent(
    attempts.filter((attempt) => attempt !== undefined),
    context.clock.now(),
  );
}

/**
 * The record of an id that the cache does not know yet: the live Fleet names the Rollout, whose record is read live.
 * Undefined where there is none.
 */
async function liveRecordForEvent(
  context: WebhookContext,
  hostname: string,
  rolloutId: string,
): Promise<HostRolloutRecord | undefined> {
  const fleet = await context.liveFleet();
  const channel = fleet?.status?.channels?.find(({ name, ref }) => `${name}@${ref}` === rolloutId);
  if (channel === undefined) return undefined;
  const record = await readLiveRecord(context, recordName(channel.rollout, hostName(hostname), 1));
  return record?.spec.hostname === hostname ? record : undefined;
}

/**
 * The other attempts of the same ids, as the API server has them now. While a new attempt waits, what the host says
 * still goes to the one before (D16), so that one has promised more than the new one started from.
 */
export async function otherAttempts(
  context: WebhookContext,
  records: readonly HostRolloutRecord[],
): Promise<readonly HostRolloutRecord[]> {
  const names = new Set(records.map(({ metadata }) => metadata.name));
  const others = records.flatMap(({ spec }) =>
    recordsOf(context, spec.hostname).filter(
      (other) => other.spec.rolloutId === spec.rolloutId && !names.has(other.metadata.name),
    ),
  );
  const live = await Promise.all(others.map(({ metadata }) => readLiveRecord(context, metadata.name)));
  return live.filter((record) => record !== undefined);
}

/** A record as the API server has it now; the cache learns of it. Undefined where it is gone. */
export async function readLiveRecord(
  context: WebhookContext,
  name: string,
): Promise<HostRolloutRecord | undefined> {
  const record = await readLive(context, hostRolloutRecordResource, name);
  if (record !== undefined) context.stores.records.upsertFromWrite(record);
  return record;
}

/** An object as the API server has it now; undefined where there is none. */
export async function readLive<T extends KubeObject>(
  context: Pick<WebhookContext, 'client' | 'namespace'>,
  resource: Resource<T>,
  name: string,
): Promise<T | undefined> {
  try {
    return await context.client.get(resource, { namespace: context.namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isLive(context: WebhookContext, record: HostRolloutRecord): boolean {
  const rollout = rolloutOf(context, record);
  // A pruned Rollout is deleted, and what is left of its records is dead.
  if (rollout === undefined || endedRollouts.has(rollout.status?.state)) return false;
  return !endStates.has(record.status?.state);
}

function rolloutOf(context: WebhookContext, record: HostRolloutRecord): Rollout | undefined {
  return context.stores.rollouts.get(keyIn(context, record.spec.rolloutRef));
}

const endedRollouts: ReadonlySet<RolloutState | undefined> = new Set<RolloutState>(['Superseded', 'Pruned']);
const endStates: ReadonlySet<HostState | undefined> = new Set<HostState>(['Converged', 'Reverted']);
