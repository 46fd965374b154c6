import type { AgentFeedEvent } from '../../src/agent/feed.ts';
import type { Timestamp } from '../../src/api/time.ts';
import type { Answer } from '../../src/webhook/answer.ts';
import type { FleetDesign } from './design.ts';
import type { Publications } from './publications.ts';
import type { AgentRoute } from './replica.ts';
import type { Fault, Scenario } from './scenario.ts';
import type { ApiChange, Refusal, SimApi } from './sim-api.ts';
import type { SimHost } from './sim-host.ts';

/** A request of a host, as it reached a replica. */
export interface Call {
  readonly host: SimHost;
  readonly route: AgentRoute;
  readonly body: unknown;
  /** When it reached the replica, in milliseconds; absent while it travels. */
  arrivedAt?: number;
}

/** What those who watch a run can look at. */
export interface WorldView {
  readonly now: number;
  readonly api: SimApi;
  readonly scenario: Scenario;
  readonly design: FleetDesign;
  readonly hosts: ReadonlyMap<string, SimHost>;
  /** Milliseconds in which somebody has led and could act. */
  readonly ledMs: number;
  /** `channel closure` of everything that was ever quarantined. */
  readonly everQuarantined: ReadonlySet<string>;
  /** A point in time as milliseconds since the begin. */
  millisOf(time: Timestamp): number;
  readonly publications: Publications;
  /** Whether the run's time was over before the run was: what it would have come to, nobody knows. */
  readonly isCutOff: boolean;
  /** Tells that something went wrong; the run ends. */
  violated(rule: string, what: string): void;
}

/** Somebody who watches a run. */
export interface Observer {
  onChange?(change: ApiChange, world: WorldView): void;
  /** Something from outside happens now. */
  onFault?(fault: Fault, world: WorldView): void;
  onFeed?(host: SimHost, event: AgentFeedEvent, world: WorldView): void;
  /** A write that the API server refused. */
  onRefusal?(refusal: Refusal, world: WorldView): void;
  onArrival?(call: Call, world: WorldView): void;
  onAnswer?(call: Call, answer: Answer, world: WorldView): void;
  /** Everything was thrown away (`wipe`); what was promised before does not count. */
  onWipe?(world: WorldView): void;
  atEnd?(world: WorldView): void;
}
