/** The times of the v0.2 agent (agent-protocol.md §1.5, §3.3, §3.6–3.8, §9.1). All in milliseconds. */
export interface AgentConstants {
  /** Between two heartbeats. */
  readonly heartbeatEvery: number;
  readonly heartbeatTimeout: number;
  readonly heartbeatErrorPause: number;
  /** Of the one heartbeat before the workers start. */
  readonly bootHeartbeatTimeout: number;
  /** How long the server is asked to hold a poll; sent in whole seconds, at least one. */
  readonly pollWait: number;
  readonly pollTimeout: number;
  /** After an error, and after a dispatch that was refused. */
  readonly pollErrorPause: number;
  readonly manifestPollEvery: number;
  readonly manifestTimeout: number;
  readonly outboxRetryEvery: number;
  readonly outboxTimeout: number;
  readonly advanceTickEvery: number;
  /** How often a running switch is looked at, and for how long. */
  readonly switchPollEvery: number;
  readonly switchLimit: number;
  readonly probeInterval: number;
  readonly probeIntervalFloor: number;
  /** How old artifacts may be: the flag of the agent, and what dispatches are checked with whatever the flag says. */
  readonly freshnessWindow: number;
  readonly dispatchFreshnessWindow: number;
  /** How long the service manager takes to start the agent again. */
  readonly restartPause: number;
  /** By how much all of these were divided. */
  readonly factor: number;
}

/** The agent's times as they are. */
export const agentConstants: AgentConstants = {
  heartbeatEvery: 60_000,
  heartbeatTimeout: 10_000,
  heartbeatErrorPause: 5_000,
  bootHeartbeatTimeout: 30_000,
  pollWait: 60_000,
  pollTimeout: 65_000,
  pollErrorPause: 5_000,
  manifestPollEvery: 30_000,
  manifestTimeout: 15_000,
  outboxRetryEvery: 15_000,
  outboxTimeout: 10_000,
  advanceTickEvery: 5_000,
  switchPollEvery: 2_000,
  switchLimit: 300_000,
  probeInterval: 30_000,
  probeIntervalFloor: 5_000,
  freshnessWindow: 3_600_000,
  dispatchFreshnessWindow: 3_600_000,
  restartPause: 2_000,
  factor: 1,
};

/** The same agent living `factor` times as fast: every time divided by it. Throws unless it is 1 to 100. */
export function scaled(constants: AgentConstants, factor: number): AgentConstants {
  if (!(factor >= 1 && factor <= 100)) {
    throw new RangeError(`a factor of ${factor} is out of range: give one from 1 to 100`);
  }
  const divided = Object.entries(constants).map(([name, value]) => [name, Number(value) / factor]);
  return { ...constants, ...Object.fromEntries(divided), factor: constants.factor * factor };
}
