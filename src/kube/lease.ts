import type { Timestamp } from '../api/time.ts';
import { microTime } from './micro-time.ts';
import { defineResource, type KubeObject, type ObjectRef } from './resource.ts';

/** A claim on leadership, as `coordination.k8s.io/v1` has it. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string | undefined;
    readonly leaseDurationSeconds?: number | undefined;
    readonly acquireTime?: string | undefined;
    readonly renewTime?: string | undefined;
    readonly leaseTransitions?: number | undefined;
  };
}

/** The Leases. */
export const LEASES = defineResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
});

/** Who claims a Lease, for how long after each renewal, and when. */
export interface Claim {
  readonly identity: string;
  readonly durationMs: number;
  readonly now: Timestamp;
}

/** The Lease to write to take over `current`, or to create one. */
export function claimOf(current: Lease | undefined, claim: Claim, ref: ObjectRef): Lease {
  const time = microTime(claim.now);
  const transitions = current === undefined ? 0 : (current.spec?.leaseTransitions ?? 0) + 1;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    ...current,
    metadata: current?.metadata ?? { name: ref.name, namespace: ref.namespace },
    spec: {
      holderIdentity: claim.identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(claim.durationMs / 1000)),
      acquireTime: time,
      renewTime: time,
      leaseTransitions: transitions,
    },
  };
}

/** The Lease to write to keep it. */
export function renewalOf(held: Lease, now: Timestamp): Lease {
  return { ...held, spec: { ...held.spec, renewTime: microTime(now) } };
}

/** The Lease to write to hand it to whoever asks next. */
export function releaseOf(held: Lease, now: Timestamp): Lease {
  return {
    ...held,
    spec: { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now) },
  };
}
