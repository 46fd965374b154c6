/** The record of a rollout as a whole (state-machine.md §10). */
import type { RolloutState } from '../../api/wire/enums.ts';
import type { Timestamp } from '../../api/time.ts';

/** The record of a rollout as a whole. Absent and undefined mean the same. */
export interface RolloutRecord {
  readonly rolloutId: string;
  readonly channel: string;
  readonly targetRef: string;
  readonly state: RolloutState;
  /** Moved by wave advances only, and only up. */
  readonly currentWave: number;
  readonly openedEventLogSeq?: number | undefined;
  readonly lastTransitionEventLogSeq?: number | undefined;
  readonly openedAt: Timestamp;
  readonly terminalAt?: Timestamp | undefined;
  readonly supersededAt?: Timestamp | undefined;
}
