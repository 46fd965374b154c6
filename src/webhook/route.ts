import type { AgentCall } from './agent-request.ts';
import type { Answer } from './answer.ts';
import type { Identity } from './identity.ts';

interface RouteBase {
  /** Its label in metrics. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** The path; a last segment of `*` stands for one segment of any text. */
  readonly path: string;
}

/** A route that anybody may call. `layers: false` also leaves out readiness and protocol version. */
export interface OpenRoute extends RouteBase {
  readonly access: 'open';
  readonly layers: boolean;
  readonly handle: (request: AgentCall) => Answer | Promise<Answer>;
}

/** A route that only a host with a valid certificate may call. */
export interface HostRoute extends RouteBase {
  readonly access: 'host';
  readonly handle: (request: AgentCall, identity: Identity) => Answer | Promise<Answer>;
}

/** One path and method of the agent port. */
export type Route = OpenRoute | HostRoute;
