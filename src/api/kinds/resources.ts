import { GROUP, VERSION } from '../group.ts';
import type { Fleet } from './fleet.ts';
import { fleetKind } from './fleet.ts';
import type { Host } from './host.ts';
import { hostKind } from './host.ts';
import type { HostRolloutRecord } from './host-rollout-record.ts';
import { hostRolloutRecordKind } from './host-rollout-record.ts';
import type { KindDefinition } from './kind-definition.ts';
import type { QuarantinedClosure } from './quarantined-closure.ts';
import { quarantinedClosureKind } from './quarantined-closure.ts';
import type { Rollout } from './rollout.ts';
import { rolloutKind } from './rollout.ts';

/** Where objects of one kind live on the API server; `T` exists for the compiler only. */
export interface ResourceOf<T> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: true;
  readonly __object?: T;
}

function resourceOf<T>(kind: KindDefinition): ResourceOf<T> {
  return { group: GROUP, version: VERSION, plural: kind.plural, kind: kind.kind, namespaced: true };
}

export const fleetResource = resourceOf<Fleet>(fleetKind);
export const rolloutResource = resourceOf<Rollout>(rolloutKind);
export const hostRolloutRecordResource = resourceOf<HostRolloutRecord>(hostRolloutRecordKind);
export const hostResource = resourceOf<Host>(hostKind);
export const quarantinedClosureResource = resourceOf<QuarantinedClosure>(quarantinedClosureKind);
