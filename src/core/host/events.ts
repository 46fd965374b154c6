/** The two families of host events, and their names in errors (state-machine.md §4.1). */
import type { AgentEvent, AgentEventKind } from '../../api/wire/events.ts';

/** `local`: an agent drives its own record. `remote`: the control plane mirrors it. */
export type EventFamily = 'local' | 'remote';

/** One input of the host machine. Both families carry the wire's event; they differ in effects only. */
export interface HostEvent {
  readonly family: EventFamily;
  readonly event: AgentEvent;
}

/** The names of each kind of event in errors and in the vectors. */
export const eventNames: Readonly<Record<AgentEventKind, Readonly<Record<EventFamily, string>>>> = {
  DispatchAck: { local: 'LocalActivate', remote: 'RemoteDispatchAck' },
  ActivationStarted: { local: 'LocalActivationStarted', remote: 'RemoteActivationStarted' },
  ActivationCompleted: { local: 'LocalActivationCompleted', remote: 'RemoteActivationCompleted' },
  ActivationDeferred: { local: 'LocalActivationDeferred', remote: 'RemoteActivationDeferred' },
  ActivationFailed: { local: 'LocalActivationFailed', remote: 'RemoteActivationFailed' },
  ProbeTopologyDeclared: { local: 'LocalProbeTopologyDeclared', remote: 'RemoteProbeTopologyDeclared' },
  ProbeObservedFirst: { local: 'LocalProbeObservedFirst', remote: 'RemoteProbeObservedFirst' },
  ProbeResult: { local: 'LocalProbeResult', remote: 'RemoteProbeResult' },
  ProbeFailureFirst: { local: 'LocalProbeFailureFirst', remote: 'RemoteProbeFailureFirst' },
  Failed: { local: 'LocalSustainedFailureCrossed', remote: 'RemoteFailed' },
  RollbackComplete: { local: 'LocalRollbackCompleted', remote: 'RemoteRollbackComplete' },
  Converged: { local: 'LocalConvergedReached', remote: 'RemoteConverged' },
};

/** The name of an event in errors: the family's, never the wire's kind. */
export function eventName(hostEvent: HostEvent): string {
  return eventNames[hostEvent.event.kind][hostEvent.family];
}
