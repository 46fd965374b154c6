/**
 * Where the v0.2 agent does other than it should (agent-protocol.md §8; the number is the list's). True: as the real
 * agent. A test switches one off to see that the operator needs neither the fault nor its absence.
 */
export interface AgentQuirks {
  /** 2: `X-Nixfleet-Replay-From` is only logged, and `rollout_id` is never sent. Off: events after it are sent again. */
  readonly ignoresReplayFrom: boolean;
  /** 3: the ack names the target as the closure that ran at dispatch. Off: the one that really ran. */
  readonly acksWithTarget: boolean;
  /** 4: a deferral keeps seq 0, so the agent's own reducer refuses it and nobody is told. Off: it is sent. */
  readonly losesDeferral: boolean;
  /** 5: the switch back restarts the agent, which forgets to report it. Off: the report is sent. */
  readonly losesRollbackReport: boolean;
  /** 17: each snapshot, one a minute, restarts all probes. Off: only one that changes the state does. */
  readonly snapshotRestartsProbes: boolean;
  /** 18: nothing resets the clock of a failure, and a probe that is only observed starts it, too. */
  readonly failureClockRunsOn: boolean;
  /** 21: a dispatch is checked for an age of one hour whatever window the agent was given. */
  readonly fixedDispatchWindow: boolean;
  /** 24: a dispatch that comes twice goes into the reducer, which refuses it. Off: it is recognised before. */
  readonly reducesRepeatedDispatch: boolean;
  /** §3.4: two events of one seq (of different rollouts) shadow each other until the next pass of the outbox. */
  readonly outboxShadowsEqualSeq: boolean;
}

/** The agent as it is. */
export const allQuirks: AgentQuirks = {
  ignoresReplayFrom: true,
  acksWithTarget: true,
  losesDeferral: true,
  losesRollbackReport: true,
  snapshotRestartsProbes: true,
  failureClockRunsOn: true,
  fixedDispatchWindow: true,
  reducesRepeatedDispatch: true,
  outboxShadowsEqualSeq: true,
};
