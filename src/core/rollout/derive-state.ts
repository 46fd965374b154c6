/**
 * The state of a rollout by comparison: what its records say is fed to the machine on every visit, never on edges, so
 * that nothing is missed when a leader dies between two events (architecture.md D2).
 */
import type { RolloutState } from '../../api/wire/enums.ts';
import { halts, stateOf } from './current-records.ts';
import type { RolloutEvent } from './events.ts';
import { isComplete, isOpened, type RolloutFacts } from './facts.ts';
import type { RolloutRecord } from './record.ts';
import { moved } from './result.ts';
import { stepRollout } from './step.ts';

/** A change of a rollout's state, and why. */
export interface RolloutTransition {
  readonly from: RolloutState;
  readonly to: RolloutState;
  /** The event of the machine, or `Resumed`, which it does not know (D2). */
  readonly cause: string;
  /** For people. */
  readonly message: string;
}

/** Where the records have brought the rollout. */
export interface DerivedState {
  readonly record: RolloutRecord;
  readonly transitions: readonly RolloutTransition[];
}

/** Moves a rollout to where its records are. Superseding is the fleet controller's. */
export function deriveState(facts: RolloutFacts): DerivedState {
  const { rollout, records, now } = facts;
  const { rolloutId, hostCount } = rollout.spec;
  const derivation = new Derivation(recordOf(facts), facts);
  const common = { rolloutId, at: now };
  if (isOpened(facts)) {
    const [first] = records;
    const joined = { hostId: first?.spec.hostname ?? '', wave: first?.spec.wave ?? 0 };
    derivation.feed({ type: 'HostJoined', ...joined, ...common }, `all ${hostCount} records exist`);
  }
  // Of several the failed one is told: it is what a person has to look at.
  const halting = records.filter(halts);
  const culprit = halting.find((record) => stateOf(record) === 'Failed') ?? halting[0];
  if (culprit === undefined) derivation.resume();
  else {
    const to = stateOf(culprit);
    const { hostname } = culprit.spec;
    derivation.feed(
      { type: 'HostStateChanged', hostId: hostname, from: 'Activating', to, ...common },
      `${hostname} is ${to}`,
    );
  }
  if (isComplete(facts)) derivation.feed({ type: 'RolloutTerminal', ...common }, 'no host is waited for');
  return derivation;
}

function recordOf({ rollout, now }: RolloutFacts): RolloutRecord {
  const { spec, status } = rollout;
  return {
    rolloutId: spec.rolloutId,
    channel: spec.channel,
    targetRef: spec.channelRef,
    state: status?.state ?? 'Opening',
    currentWave: status?.currentWave ?? 0,
    openedAt: status?.openedAt ?? now,
    terminalAt: status?.terminalAt,
    supersededAt: status?.supersededAt,
  };
}

class Derivation implements DerivedState {
  record: RolloutRecord;
  readonly transitions: RolloutTransition[] = [];
  readonly #facts: RolloutFacts;

  constructor(record: RolloutRecord, facts: RolloutFacts) {
    this.record = record;
    this.#facts = facts;
  }

  /** What the machine refuses in a state has no meaning there. */
  feed(event: RolloutEvent, message: string): void {
    const result = stepRollout(this.record, event, this.#facts.now);
    if (result.ok) this.#moveTo(result.next, event.type, message);
  }

  /** Cleared or retried: nothing halts the rollout any more (D2, outside the machine). */
  resume(): void {
    const { state } = this.record;
    if (state !== 'Failed' && state !== 'Reverted') return;
    const { next } = moved(this.record, 'Active', this.#facts.now);
    this.#moveTo(next, 'Resumed', 'every failed host was cleared or retried');
  }

  #moveTo(next: RolloutRecord, cause: string, message: string): void {
    const from = this.record.state;
    this.record = next;
    if (next.state !== from) this.transitions.push({ from, to: next.state, cause, message });
  }
}
