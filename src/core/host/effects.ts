/** What the host machine asks of whoever runs it (state-machine.md §5.1, §6). The order of effects is a promise. */
import type { HostState } from '../../api/wire/enums.ts';
import type { AgentEvent } from '../../api/wire/events.ts';
import type { Timestamp } from '../../api/time.ts';
import type { HostEvent } from './events.ts';
import type { HostRecord } from './record.ts';

/** Both sides: a state has changed. `at` is the event's time. */
export interface RecordTransition {
  readonly type: 'RecordTransition';
  readonly host: string;
  readonly rolloutId: string;
  readonly from: HostState;
  readonly to: HostState;
  readonly at: Timestamp;
}

/** Control plane: the event belongs into the audit log. */
export interface RemoteAppendEventLog {
  readonly type: 'RemoteAppendEventLog';
  readonly host: string;
  readonly rolloutId: string;
  readonly payload: AgentEvent;
}

/** Control plane: refuse this closure on this channel from now on. */
export interface RemoteInsertQuarantine {
  readonly type: 'RemoteInsertQuarantine';
  readonly channel: string;
  readonly closure: string;
}

/** Agent: report this event; `durable` asks for the disk first. */
export interface LocalEmitEvent {
  readonly type: 'LocalEmitEvent';
  readonly rolloutId: string;
  readonly payload: AgentEvent;
  readonly durable: boolean;
}

/** Agent: start the switch to `target`. */
export interface LocalFireSwitch {
  readonly type: 'LocalFireSwitch';
  readonly rolloutId: string;
  readonly target: string;
}

/** Agent: start the switch back to `closure`. */
export interface LocalFireRollbackTo {
  readonly type: 'LocalFireRollbackTo';
  readonly rolloutId: string;
  readonly closure: string;
}

/** Agent: forget probe results and read the declarations again. */
export interface LocalResetProbeCache {
  readonly type: 'LocalResetProbeCache';
  readonly rolloutId: string;
}

/** Everything the host machine can ask for. */
export type HostEffect =
  | RecordTransition
  | RemoteAppendEventLog
  | RemoteInsertQuarantine
  | LocalEmitEvent
  | LocalFireSwitch
  | LocalFireRollbackTo
  | LocalResetProbeCache;

/** The state of `record` becomes `to` at `at`. */
export function transition(record: HostRecord, to: HostState, at: Timestamp): RecordTransition {
  return {
    type: 'RecordTransition',
    host: record.hostname,
    rolloutId: record.rolloutId,
    from: record.state,
    to,
    at,
  };
}

/** The event itself goes out (agent) or into the log (control plane). */
export function announce(
  record: HostRecord,
  hostEvent: HostEvent,
  durable: boolean,
): LocalEmitEvent | RemoteAppendEventLog {
  return hostEvent.family === 'local'
    ? { type: 'LocalEmitEvent', rolloutId: record.rolloutId, payload: hostEvent.event, durable }
    : {
        type: 'RemoteAppendEventLog',
        host: record.hostname,
        rolloutId: record.rolloutId,
        payload: hostEvent.event,
      };
}

/** Probe results of `record`'s host are void. */
export function resetProbeCache(record: HostRecord): LocalResetProbeCache {
  return { type: 'LocalResetProbeCache', rolloutId: record.rolloutId };
}
