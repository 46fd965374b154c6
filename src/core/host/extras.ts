/** What the operator remembers of a record beyond v0.2's own members (kubernetes-api.md, HostRolloutRecord). */
import type { DispatchMark } from '../../api/kinds/host-rollout-record.ts';
import { addMillis, type Timestamp } from '../../api/time.ts';
import type { HostRecord } from './record.ts';

/** What a host said it runs, and when, by its own clock. */
export interface Report {
  readonly closure: string;
  readonly at: Timestamp;
  /** By the operator's clock. */
  readonly receivedAt?: Timestamp | undefined;
}

/** What the operator remembers of a record beyond v0.2's own members. */
export interface RecordExtras {
  /** Minutes of soaking after the acknowledged dispatch. */
  readonly soakMinutes: number;
  /** What the host ran when it was let through, by its heartbeats (D11). */
  readonly closureBeforeDispatch?: string | undefined;
  /**
   * The mark that lets the host through. It exists on Pending records only: leaving Pending removes it, because from
   * then on the state itself holds the budget slot and nothing may be delivered any more.
   */
  readonly dispatch?: DispatchMark | undefined;
  /** The last Heartbeat entry that was decided. */
  readonly lastReport?: Report | undefined;
  /**
   * By probe with sub-results: the enforced controls that failed at its last result; an empty list where none did.
   * A probe without sub-results has no entry, and its own status counts (D4).
   */
  readonly failingControls: ReadonlyMap<string, readonly string[]>;
}

/** A record with everything that folding its inbox reads and writes. */
export interface FoldState {
  readonly record: HostRecord;
  readonly extras: RecordExtras;
}

const millisPerMinute = 60_000;

/** The end of a soak window of `minutes` that begins at `from`; no later than the last time that can be written. */
export function soakEnd(from: Timestamp, minutes: number): Timestamp {
  return addMillis(from, minutes * millisPerMinute);
}

/**
 * The soakDueAt with which a record leaves Pending (D3): counted from when the mark was queued, else from
 * `receivedAt`, when the operator received what makes the record leave.
 */
export function soakDueAtOnLeaving(extras: RecordExtras, receivedAt: Timestamp): Timestamp {
  return soakEnd(extras.dispatch?.queuedAt ?? receivedAt, extras.soakMinutes);
}
