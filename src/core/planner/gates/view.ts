/** A budget as the gate sees it: who is in it, how many of them may be in flight (null: any number). */
export interface BudgetView {
  readonly key: string;
  /** Its selector for people. */
  readonly summary: string;
  readonly max: number | null;
}

/**
 * What the gates ask about the world. The v0.2 planner and the operator's own planner answer the same questions from
 * different records, so the gates are written once.
 */
export interface GateView {
  /** Whether the channel has the closure in quarantine. */
  isQuarantined(channel: string, closure: string): boolean;
  /** The channels that `channel` waits for, in declared order. */
  predecessorChannels(channel: string): readonly string[];
  /** Whether a channel still has work that its successors wait for. */
  isChannelActive(channel: string): boolean;
  /** The channel a host is declared on, undefined where the fleet does not know the host. */
  channelOf(host: string): string | undefined;
  /** Whether the channel declares at least one wave. */
  hasWaves(channel: string): boolean;
  /** The first wave of the channel that lists the host. */
  waveOf(channel: string, host: string): number | undefined;
  /** The wave a rollout has been promoted to; 0 where the rollout is unknown. */
  currentWave(rollout: string): number;
  /** The hosts that `host` waits for, in declared order, of any channel. */
  gatingHosts(host: string): readonly string[];
  /** Whether a host is done in a rollout as far as host edges go. */
  isDone(rollout: string, host: string): boolean;
  /** The rollout's budgets that list the host, in declared order. */
  budgetsOf(rollout: string, host: string): readonly BudgetView[];
  /**
   * How many hosts hold a slot of the budgets with this key, over all rollouts, this plan's own dispatches included,
   * and a slot that the asking host itself holds already left out.
   */
  inFlight(budgetKey: string, rollout: string, host: string): number;
  /** Outstanding failures of a rollout over the hosts that waves 0 … wave−1 of the channel list, repeats counted. */
  outstandingBefore(rollout: string, channel: string, wave: number): number;
}

/** A host that wants to be dispatched. */
export interface Candidate {
  readonly rollout: string;
  readonly channel: string;
  readonly host: string;
  readonly targetClosure: string;
}
