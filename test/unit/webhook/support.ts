import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import type {
  HostRolloutRecord,
  HostRolloutRecordSpec,
  HostRolloutRecordStatus,
} from '../../../src/api/kinds/host-rollout-record.ts';
import { timestampFromMillis, type Timestamp } from '../../../src/api/time.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { fleetSpec } from '../../support/fleet-spec.ts';

/** An API server that nobody reaches. */
export const unreachable: KubeClient = {
  get: down,
  list: down,
  create: down,
  replace: down,
  replaceStatus: down,
  mergePatch: down,
  delete: down,
  watch: down,
  close: () => Promise.resolve(),
};

function down(): Promise<never> {
  return Promise.reject(new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'nobody there' }));
}

export const TARGET = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
export const PRIOR = '0000000000000000000000000000000p-nixos-system-web-01-26.05';
export const ROLLOUT_ID = 'stable@a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

/** A point in time of the tests' own day: `at('10:00:01.5')`. */
export function at(clock: string): Timestamp {
  return timestampFromMillis(Date.parse(`2026-06-01T${clock}Z`));
}

/** A record of web-01 as the API server would answer it. */
export function record(
  status: Partial<HostRolloutRecordStatus> = {},
  spec: Partial<HostRolloutRecordSpec> = {},
  name = 'stable-1.web-01',
): HostRolloutRecord {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'HostRolloutRecord',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '10' },
    spec: {
      rolloutRef: 'stable-1',
      rolloutId: ROLLOUT_ID,
      attempt: 1,
      hostname: 'web-01',
      hostRef: 'web-01',
      channel: 'stable',
      ref: 'a1b2c3d4',
      wave: 0,
      targetClosure: TARGET,
      soakMinutes: 5,
      onHealthFailure: 'rollback-and-halt',
      firstSeq: 0,
      dispatchedAt: at('09:58:00'),
      ...spec,
    },
    status: { state: 'Pending', lastEventSeq: 0, ...status },
  };
}

/** The Host object of web-01. */
export function host(status?: HostStatus, revokedBefore?: Timestamp): Host {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Host',
    metadata: { name: 'web-01', namespace: 'default', uid: 'uid-host', resourceVersion: '10' },
    spec: {
      fleetRef: 'lab',
      hostname: 'web-01',
      channel: 'stable',
      tags: [],
      platform: 'x86_64-linux',
      ...(revokedBefore !== undefined && { revokedBefore }),
    },
    ...(status && { status }),
  };
}

/** A Fleet whose agents are named under `fleet.example`. */
export function fleet(): Fleet {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Fleet',
    metadata: { name: 'lab', namespace: 'default', uid: 'uid-fleet', resourceVersion: '10' },
    spec: fleetSpec,
  };
}
