/** Waiting times of the controllers in milliseconds; flags set them, demos and tests shorten them. */
export interface ControllerSettings {
  /** A plan is made at least this often, whatever the informers say (D10). */
  readonly planIntervalMs: number;
  /** Changes within this time make one plan. */
  readonly planDebounceMs: number;
  /** Everything is planned anew this often, and compared with what following the changes has come to. */
  readonly planCheckMs: number;
  /** A delivered mark is not handed out again sooner. */
  readonly redeliverAfterMs: number;
  /** A heartbeat that no other one follows for so long has got its answer; agents repeat lost ones within 15 s. */
  readonly toldAfterMs: number;
  /** A new host counts as settled when it reported the same closure twice this far apart (D22). */
  readonly settleGapMs: number;
  /** … or this long after its first report (D22). */
  readonly settleMaxMs: number;
  /** No second dispatch while another live record of the host is delivered or Activating for less than this (D20). */
  readonly hostBusyMs: number;
  /** A superseded record stops holding its slot this long after soakDueAt (D20). */
  readonly supersededHoldMs: number;
  /** What waits in an inbox is folded this long after it came, so that what follows on its heels is in the same write. */
  readonly foldDelayMs: number;
  /** Inbox entries that cause no transition wait at most this long for the next one … */
  readonly inboxMaxAgeMs: number;
  /** … or until so many of them wait. */
  readonly inboxBatch: number;
  /** Counters and `blocked` of a Rollout or Fleet are written at most this often. */
  readonly statusIntervalMs: number;
  /** A Host's verdict is written once it has stood for so long (a passing one four times as long); failures at once. */
  readonly verdictDelayMs: number;
  /** Old rollouts and content are looked for this often. */
  readonly retentionIntervalMs: number;
}

/** The documented defaults. */
export const DEFAULT_SETTINGS: ControllerSettings = {
  planIntervalMs: 15_000,
  planDebounceMs: 50,
  planCheckMs: 300_000,
  redeliverAfterMs: 15_000,
  toldAfterMs: 20_000,
  settleGapMs: 55_000,
  settleMaxMs: 330_000,
  hostBusyMs: 600_000,
  supersededHoldMs: 600_000,
  foldDelayMs: 100,
  inboxMaxAgeMs: 5_000,
  inboxBatch: 8,
  statusIntervalMs: 1_000,
  verdictDelayMs: 5_000,
  retentionIntervalMs: 60_000,
};
