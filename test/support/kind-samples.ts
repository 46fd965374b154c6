import { API_VERSION } from '../../src/api/group.ts';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import type { Timestamp } from '../../src/api/time.ts';

/** When everything in the samples happened. */
export const SAMPLE_TIME = '2026-06-01T10:00:00Z' as Timestamp;
const CLOSURE = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
const REF = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

function head(kind: string, namespace: string, name: string) {
  return { apiVersion: API_VERSION, kind, metadata: { name, namespace } };
}

/** A Fleet with no more than people have to give; the server fills in the rest. */
export function sampleFleet(namespace: string, name = 'lab'): Fleet {
  const spec = {
    source: { configMapRefs: ['release'] },
    trust: { configMapRef: { name: 'trust', key: 'trust.json' } },
    agents: { caSecretRef: { name: 'agent-ca' }, cnSuffix: 'fleet.example' },
  };
  return { ...head('Fleet', namespace, name), spec } as unknown as Fleet;
}

/** A Rollout in which every field of the spec is set. */
export function sampleRollout(namespace: string, name = 'stable-a1b2c3d4-0123456789'): Rollout {
  return {
    ...head('Rollout', namespace, name),
    spec: {
      rolloutId: `stable@${REF}`,
      channel: 'stable',
      channelRef: REF,
      attempt: 1,
      fleetRef: 'lab',
      hostCount: 3,
      hostSetHash: 'abc',
      waves: 2,
      onHealthFailure: 'rollback-and-halt',
      budgets: [{ selectorSummary: 'tag web', maxInFlight: 1, hosts: 2 }],
      intent: { hold: 'None', retry: [] },
    },
  };
}

/** A record in which every field of the spec is set. */
export function sampleRecord(
  namespace: string,
  name = 'stable-a1b2c3d4-0123456789.web-01',
): HostRolloutRecord {
  return {
    ...head('HostRolloutRecord', namespace, name),
    spec: {
      rolloutRef: 'stable-a1b2c3d4-0123456789',
      rolloutId: `stable@${REF}`,
      attempt: 1,
      hostname: 'web-01',
      hostRef: 'web-01',
      channel: 'stable',
      ref: 'a1b2c3d4',
      wave: 0,
      targetClosure: CLOSURE,
      soakMinutes: 5,
      onHealthFailure: 'rollback-and-halt',
      firstSeq: 0,
      dispatchedAt: SAMPLE_TIME,
    },
  };
}

/** A Host that somebody revoked. */
export function sampleHost(namespace: string, name = 'web-01'): Host {
  return {
    ...head('Host', namespace, name),
    spec: {
      fleetRef: 'lab',
      hostname: name,
      channel: 'stable',
      tags: ['web'],
      platform: 'x86_64-linux',
      declaredClosure: CLOSURE,
      revokedBefore: SAMPLE_TIME,
    },
  };
}

/** A quarantine in which every field is set. */
export function sampleQuarantine(namespace: string, name = 'stable-0123456789'): QuarantinedClosure {
  return {
    ...head('QuarantinedClosure', namespace, name),
    spec: {
      channel: 'stable',
      closure: CLOSURE,
      reason: 'the health check failed',
      rolloutId: `stable@${REF}`,
      hostname: 'web-01',
      quarantinedAt: SAMPLE_TIME,
    },
  };
}
