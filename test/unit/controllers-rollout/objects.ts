import { API_VERSION } from '../../../src/api/group.ts';
import type {
  HostRolloutRecord,
  HostRolloutRecordSpec,
  HostRolloutRecordStatus,
} from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout, RolloutSpec, RolloutStatus } from '../../../src/api/kinds/rollout.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { recordName } from '../../../src/core/naming.ts';
import type { RolloutFacts } from '../../../src/core/rollout/facts.ts';

export const time = (text: string): Timestamp => text as Timestamp;
export const NOW = time('2026-03-01T12:00:00Z');
export const ROLLOUT = 'stable-abc-0123456789';

/** A Rollout of three hosts in two waves. */
export function rollout(
  status: Partial<RolloutStatus> = {},
  spec: Partial<RolloutSpec> = {},
  name = ROLLOUT,
): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, generation: 1 },
    spec: {
      rolloutId: 'stable@abcdef0123456789',
      channel: 'stable',
      channelRef: 'abcdef0123456789',
      attempt: 1,
      fleetRef: 'lab',
      hostCount: 3,
      hostSetHash: 'h',
      waves: 2,
      onHealthFailure: 'halt',
      budgets: [],
      intent: { hold: 'None', retry: [] },
      ...spec,
    },
    status: { state: 'Active', currentWave: 0, openedAt: time('2026-03-01T11:00:00Z'), ...status },
  };
}

/** A host's record in that Rollout. */
export function record(
  hostname: string,
  status: Partial<HostRolloutRecordStatus> = {},
  spec: Partial<HostRolloutRecordSpec> = {},
  owner = `uid-${ROLLOUT}`,
): HostRolloutRecord {
  const attempt = spec.attempt ?? 1;
  return {
    apiVersion: API_VERSION,
    kind: 'HostRolloutRecord',
    metadata: {
      name: recordName(ROLLOUT, hostname, attempt),
      namespace: 'ns',
      uid: `uid-${hostname}-${attempt}`,
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'Rollout', name: ROLLOUT, uid: owner }],
    },
    spec: {
      rolloutRef: ROLLOUT,
      rolloutId: 'stable@abcdef0123456789',
      attempt,
      hostname,
      hostRef: hostname,
      channel: 'stable',
      ref: 'abcdef01',
      wave: 0,
      targetClosure: 'clo-new',
      soakMinutes: 5,
      onHealthFailure: 'halt',
      firstSeq: 0,
      dispatchedAt: time('2026-03-01T11:00:00Z'),
      ...spec,
    },
    status: { state: 'Pending', lastEventSeq: 0, ...status },
  };
}

/** Facts about a Rollout; nobody is offline unless named. */
export function facts(
  of: Rollout,
  records: readonly HostRolloutRecord[],
  more: { readonly offline?: readonly string[]; readonly skip?: boolean; readonly onHold?: boolean } = {},
): RolloutFacts {
  return {
    rollout: of,
    records,
    isOffline: (host) => more.offline?.includes(host) === true,
    offlinePolicy: more.skip === true ? 'Skip' : 'Wait',
    fleetOnHold: more.onHold === true,
    now: NOW,
  };
}
