import { fleetKind } from './fleet.ts';
import { hostKind } from './host.ts';
import { hostRolloutRecordKind } from './host-rollout-record.ts';
import type { KindDefinition } from './kind-definition.ts';
import { quarantinedClosureKind } from './quarantined-closure.ts';
import { rolloutKind } from './rollout.ts';

/** Every kind of the group, parents first. */
export const ALL_KINDS: readonly KindDefinition[] = [
  fleetKind,
  rolloutKind,
  hostRolloutRecordKind,
  hostKind,
  quarantinedClosureKind,
];
