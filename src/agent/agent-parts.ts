import type { Timestamp } from '../api/time.ts';
import type { Clock } from '../kube/clock.ts';
import type { ArtifactCache } from './artifact-cache.ts';
import type { AgentClient } from './client.ts';
import type { AgentConstants } from './constants.ts';
import type { Report } from './feed.ts';
import type { Machine } from './machine.ts';
import type { Outbox } from './outbox.ts';
import type { AgentQuirks } from './quirks.ts';
import type { AgentReducer } from './reducer.ts';

/** The machine that an agent runs on, and how it goes about its work. */
export interface AgentSetting {
  readonly machine: Machine;
  readonly constants: AgentConstants;
  readonly quirks: AgentQuirks;
  readonly clock: Clock;
  readonly report: Report;
}

/** What the workers of one agent share. */
export interface AgentParts extends AgentSetting {
  readonly client: AgentClient;
  readonly artifacts: ArtifactCache;
  readonly outbox: Outbox;
  readonly reducer: AgentReducer;
  readonly now: () => Timestamp;
  readonly signal: AbortSignal;
}
