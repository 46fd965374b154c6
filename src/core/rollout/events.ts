/** What happens to a rollout; control-plane internal, never on the agents' wire (state-machine.md §10). */
import type { HostState } from '../../api/wire/enums.ts';
import type { Timestamp } from '../../api/time.ts';

interface OfRollout {
  readonly rolloutId: string;
  readonly at: Timestamp;
}

/** The rollout was opened; logged only, no state accepts it. */
export interface RolloutOpened extends OfRollout {
  readonly type: 'RolloutOpened';
  readonly channel: string;
  readonly targetRef: string;
}

/** A host's record exists. */
export interface HostJoined extends OfRollout {
  readonly type: 'HostJoined';
  readonly hostId: string;
  readonly wave: number;
}

/** A host's record has changed its state. */
export interface HostStateChanged extends OfRollout {
  readonly type: 'HostStateChanged';
  readonly hostId: string;
  readonly from: HostState;
  readonly to: HostState;
}

/** The wave cursor moves. */
export interface WaveAdvanced extends OfRollout {
  readonly type: 'WaveAdvanced';
  readonly fromWave: number;
  readonly toWave: number;
}

/** Every host has converged. */
export interface RolloutTerminal extends OfRollout {
  readonly type: 'RolloutTerminal';
}

/** Another rollout of the channel has taken over. */
export interface SuccessorOpened {
  readonly type: 'SuccessorOpened';
  readonly supersededRolloutId: string;
  readonly successorRolloutId: string;
  readonly at: Timestamp;
}

/** The rollout was kept long enough. */
export interface RetentionExpired extends OfRollout {
  readonly type: 'RetentionExpired';
}

/** A person says: go on. Not implemented by the reducer; D2 does it outside. */
export interface OperatorClearance extends OfRollout {
  readonly type: 'OperatorClearance';
  readonly operator: string;
  readonly reason: string;
}

/** Everything that happens to a rollout. */
export type RolloutEvent =
  | RolloutOpened
  | HostJoined
  | HostStateChanged
  | WaveAdvanced
  | RolloutTerminal
  | SuccessorOpened
  | RetentionExpired
  | OperatorClearance;
