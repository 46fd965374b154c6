/** A Rollout's conditions, as kstatus, Flux and Argo CD read them (kubernetes-api.md, field-notes.md G.2). */
import type { RolloutReason } from '../../api/reasons-rollout.ts';
import type { RolloutState } from '../../api/wire/enums.ts';
import type { Observation } from '../conditions.ts';
import { gateReason, type BlockedSummary } from './blocked.ts';
import type { HostCounters } from './counters.ts';

/** What the conditions follow from. */
export interface Standing {
  readonly state: RolloutState;
  readonly hosts: HostCounters;
  /** Pending hosts that a gate holds. */
  readonly held: number;
  readonly blocked: readonly BlockedSummary[];
  readonly paused: 'RolloutPaused' | 'FleetOnHold' | undefined;
  /** Hosts that halt the rollout, ascending. */
  readonly halting: readonly string[];
  readonly supersededBy: string | undefined;
}

const NAMED_HOSTS = 5;

/** The six conditions, in the order in which they are listed. */
export function rolloutObservations(standing: Standing): Observation[] {
  const verdict = verdictOf(standing);
  const running = verdict.reason === 'Opening' || verdict.reason === 'InProgress';
  const stalled = verdict.reason === 'HostFailed' || verdict.reason === 'HostReverted';
  const done = standing.state === 'Terminal';
  return [
    { type: 'Ready', status: truth(done), ...verdict },
    progressing(standing, verdict, running),
    blockedCondition(standing.blocked),
    pausedCondition(standing.paused),
    { type: 'Reconciling', status: truth(running), ...verdict },
    stalled
      ? { type: 'Stalled', status: 'True', ...verdict }
      : { type: 'Stalled', status: 'False', ...say('NotStalled', 'Nobody has to step in.') },
  ];
}

interface Verdict {
  readonly reason: RolloutReason;
  readonly message: string;
}

function say(reason: RolloutReason, message: string): Verdict {
  return { reason, message };
}

function verdictOf({ state, hosts, halting, supersededBy }: Standing): Verdict {
  switch (state) {
    case 'Opening':
      return say('Opening', 'Waits until every record exists.');
    case 'Active':
    case 'Converging':
      return say('InProgress', `${hosts.converged} of ${hosts.total} hosts have converged.`);
    case 'Terminal':
      return hosts.leftBehind === 0
        ? say('Converged', `All ${hosts.total} hosts have converged.`)
        : say('ConvergedPartly', `${hosts.leftBehind} of ${hosts.total} hosts were left behind.`);
    case 'Failed':
      return say('HostFailed', halted(halting));
    case 'Reverted':
      return say('HostReverted', halted(halting));
    case 'Superseded':
    case 'Pruned':
      return say(
        'Superseded',
        supersededBy === undefined ? 'Another release took over.' : `${supersededBy} took over.`,
      );
  }
}

function halted(halting: readonly string[]): string {
  const more = halting.length > NAMED_HOSTS ? ` and ${halting.length - NAMED_HOSTS} more` : '';
  const names = `${halting.slice(0, NAMED_HOSTS).join(', ')}${more}`;
  return `Halted by ${names}: retry (spec.intent.retry), leave behind (spec.intent.clear), or release anew.`;
}

function progressing({ hosts, held, paused }: Standing, verdict: Verdict, running: boolean): Observation {
  const type = 'Progressing';
  if (!running || verdict.reason === 'Opening') return { type, status: truth(running), ...verdict };
  if (hosts.activating + hosts.soaking > 0) return { type, status: 'True', ...verdict };
  if (paused !== undefined) return { type, status: 'False', ...pausedVerdict(paused) };
  const unheld = hosts.pending > held;
  return unheld
    ? { type, status: 'True', ...verdict }
    : {
        type,
        status: 'False',
        ...say('Waiting', 'No host is in flight, and gates hold all that are to come.'),
      };
}

function blockedCondition(blocked: readonly BlockedSummary[]): Observation {
  const [first] = blocked;
  if (first === undefined)
    return { type: 'Blocked', status: 'False', ...say('NotBlocked', 'No gate holds a host.') };
  const message = blocked.map(({ gate, count, reason }) => `${gate} holds ${count}: ${reason}`).join('. ');
  return { type: 'Blocked', status: 'True', reason: gateReason(first.gate), message: `${message}.` };
}

function pausedCondition(paused: Standing['paused']): Observation {
  return paused === undefined
    ? { type: 'Paused', status: 'False', ...say('NotPaused', 'Nobody holds it.') }
    : { type: 'Paused', status: 'True', ...pausedVerdict(paused) };
}

function pausedVerdict(paused: NonNullable<Standing['paused']>): Verdict {
  return paused === 'FleetOnHold'
    ? say(paused, 'The Fleet is on hold: set its spec.intent.hold to None to go on.')
    : say(paused, 'Set spec.intent.hold to None to go on.');
}

function truth(holds: boolean): 'True' | 'False' {
  return holds ? 'True' : 'False';
}
