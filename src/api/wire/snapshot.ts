/** A record as the control plane hands it to an agent (state-machine.md §8, agent-protocol.md §1.3). */
import { z } from 'zod';
import { hostStateSchema } from './enums.ts';
import { wireOptional, wireText, wireTime, wireUnsigned } from './fields.ts';

/** Everything of a record that an agent overwrites its own with. Probes are not carried. */
export const hostRolloutSnapshotSchema = z.object({
  rolloutId: wireText,
  hostname: wireText,
  channel: wireText,
  state: hostStateSchema,
  targetClosure: wireText,
  currentClosureAtDispatch: wireOptional(wireText),
  currentClosure: wireOptional(wireText),
  dispatchedAt: wireTime,
  dispatchAckedAt: wireOptional(wireTime),
  activationStartedAt: wireOptional(wireTime),
  activationCompletedAt: wireOptional(wireTime),
  soakDueAt: wireOptional(wireTime),
  lastEventSeq: wireUnsigned,
});

/** Everything of a record that an agent overwrites its own with. Absent members are omitted on the wire. */
export type HostRolloutSnapshot = z.infer<typeof hostRolloutSnapshotSchema>;
