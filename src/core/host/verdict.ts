/** What the leader makes of a host (kubernetes-api.md, Host). */
import type { Host, HostStatus } from '../../api/kinds/host.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { HostReason } from '../../api/reasons-rollout.ts';
import { withObservations, type Observation } from '../conditions.ts';
import { shortClosure } from '../naming.ts';
import { newestRecord } from './newest-record.ts';
import { judgeSilence, type SilenceRules, type SilenceVerdict } from './offline.ts';

/** A host's status with the leader's verdicts in it; the facts are the webhook's and stay as they are. */
export interface HostVerdict {
  readonly status: HostStatus;
  /** When to look again if nothing changes, in milliseconds. */
  readonly lookAgainInMs?: number | undefined;
}

/** Judges a host by its facts and by its records in rollouts that exist. */
export function judgeHost(
  host: Host,
  records: readonly HostRolloutRecord[],
  rules: SilenceRules,
): HostVerdict {
  const silence = judgeSilence(host, rules);
  const record = newestRecord(records);
  const declared = isDeclared(host);
  const {
    state: _state,
    rollout: _rollout,
    declared: _declared,
    closureShort: _short,
    ...kept
  } = host.status ?? {};
  const observations = [online(host, silence), converged(host, record), clockSynced(host)];
  const generation = host.metadata.generation ?? 0;
  return {
    lookAgainInMs: silence.lookAgainInMs,
    status: {
      ...kept,
      ...(host.status?.closure !== undefined && { closureShort: shortClosure(host.status.closure) }),
      ...(record && { state: record.status?.state ?? 'Pending', rollout: record.spec.rolloutRef }),
      ...(declared !== undefined && { declared }),
      offline: silence.offline,
      conditions: withObservations(host.status?.conditions, observations, generation, rules.now),
    },
  };
}

/**
 * Whether a changed verdict is written at once. Others wait until they have stood for a moment, so that a rollout that
 * goes well costs a host two writes and not one per state.
 */
export function isUrgentVerdict(before: HostStatus | undefined, after: HostStatus): boolean {
  const failed = after.state === 'Failed' || after.state === 'Reverted';
  return (before?.offline ?? false) !== after.offline || (failed && before?.state !== after.state);
}

/** Whether a verdict is about to be replaced in a rollout that goes well; those can wait longest. */
export function isPassing({ state, declared }: HostStatus): boolean {
  return state === 'Activating' || state === 'Soaking' || (state === 'Converged' && declared === false);
}

/** Whether the host runs what is declared; undefined where it has not said, or nothing is declared. */
function isDeclared({ spec, status }: Host): boolean | undefined {
  if (spec.declaredClosure === undefined || status?.closure === undefined) return undefined;
  return spec.declaredClosure === status.closure;
}

function online({ status }: Host, { offline, unjudged }: SilenceVerdict): Observation {
  const type = 'Online';
  const lastSeen = status?.lastSeenTime;
  if (offline) {
    const since = lastSeen === undefined ? 'Never heard of.' : `Nothing was heard since ${lastSeen}.`;
    return { type, status: 'False', ...say(lastSeen === undefined ? 'NeverSeen' : 'Silent', since) };
  }
  if (unjudged)
    return { type, status: 'Unknown', ...say('NotJudgedYet', 'Silent; the operator has just started.') };
  return lastSeen === undefined
    ? { type, status: 'Unknown', ...say('NeverSeen', 'The host has not reported yet.') }
    : { type, status: 'True', ...say('Heartbeats', 'The host reports.') };
}

function converged(host: Host, record: HostRolloutRecord | undefined): Observation {
  const type = 'Converged';
  const { declaredClosure } = host.spec;
  if (declaredClosure === undefined || record === undefined) {
    return { type, status: 'Unknown', ...say('Unmanaged', 'No rollout in force is about this host.') };
  }
  const state = record.status?.state ?? 'Pending';
  if (state !== 'Converged') {
    return { type, status: 'False', ...say(state, `${state} in ${record.spec.rolloutId}.`) };
  }
  const declared = isDeclared(host);
  if (declared === undefined) {
    return { type, status: 'Unknown', ...say('NotReported', 'The host has not said what it runs.') };
  }
  return declared
    ? { type, status: 'True', ...say('Declared', 'The host runs what is declared.') }
    : { type, status: 'False', ...say('OtherClosure', `The host does not run ${declaredClosure}.`) };
}

/** Without the number of seconds: a message that changes with every heartbeat would be a write for each. */
function clockSynced({ status }: Host): Observation {
  const type = 'ClockSynced';
  if (status?.lastSeenTime === undefined) {
    return { type, status: 'Unknown', ...say('NeverSeen', 'The host has not reported yet.') };
  }
  const { clockSkewSeconds: skew } = status;
  if (skew === undefined) {
    return { type, status: 'True', ...say('ClockSynced', 'Host and operator agree on the time.') };
  }
  const wrong =
    skew > 0
      ? 'is ahead, so that it takes releases for older than they are and refuses them too early'
      : 'is behind, so that it refuses releases as signed in the future';
  const message = `The clock of the host ${wrong}: set it (status.clockSkewSeconds says how far it is off), or the operator's if many hosts say so.`;
  return { type, status: 'False', ...say('ClockSkew', message) };
}

function say(reason: HostReason, message: string): { readonly reason: HostReason; readonly message: string } {
  return { reason, message };
}
