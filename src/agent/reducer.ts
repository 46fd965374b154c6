/** The agent's memory: its records, moved by the same `step` as the control plane's (state-machine.md §9.2). */
import type { DispatchAnswer } from '../api/wire/dispatch.ts';
import type { AgentEvent } from '../api/wire/events.ts';
import type { HostRolloutSnapshot } from '../api/wire/snapshot.ts';
import type { Timestamp } from '../api/time.ts';
import { splitRolloutId } from '../core/artifacts/rollout-id.ts';
import { newPending, type HostRecord } from '../core/host/record.ts';
import { rehydrate } from '../core/host/rehydrate.ts';
import type { HostPolicy } from '../core/host/result.ts';
import { mergeSnapshot } from '../core/host/snapshot.ts';
import { step } from '../core/host/step.ts';
import type { HostEffect } from '../core/host/effects.ts';
import type { Report } from './feed.ts';
import type { AgentQuirks } from './quirks.ts';

/** Who does what the reducer asks for. */
export interface ReducerEffects {
  emit(rolloutId: string, event: AgentEvent): void;
  fireSwitch(rolloutId: string, target: string): void;
  fireRollback(rolloutId: string): void;
  resetProbes(rolloutId: string): void;
}

/** What a reducer needs. */
export interface ReducerOptions {
  readonly effects: ReducerEffects;
  readonly report: Report;
  readonly quirks: AgentQuirks;
  /** The time as the agent's records carry it. */
  readonly now: () => Timestamp;
  /** What runs, for the agent without quirk 3. */
  readonly currentClosure: () => string;
}

/** Older records are forgotten; a real agent is restarted by every switch and never has that many. */
const RECORDS_KEPT = 32;

/** All records of one agent's process. They die with it. */
export class AgentReducer {
  readonly #options: ReducerOptions;
  readonly #records = new Map<string, HostRecord>();
  readonly #policies = new Map<string, HostPolicy>();

  constructor(options: ReducerOptions) {
    this.#options = options;
  }

  /** The record of a rollout, if this process knows one. */
  record(rolloutId: string): HostRecord | undefined {
    return this.#records.get(rolloutId);
  }

  /** All of them. */
  records(): HostRecord[] {
    return [...this.#records.values()];
  }

  /** The policy of a channel, if a manifest poll has brought one. */
  policy(channel: string): HostPolicy | undefined {
    return this.#policies.get(channel);
  }

  /** Replaces the cached policies. */
  setPolicies(policies: ReadonlyMap<string, HostPolicy>): void {
    this.#policies.clear();
    for (const [channel, policy] of policies) this.#policies.set(channel, policy);
  }

  /** Takes over what the control plane says about a rollout, even where that moves the record back. */
  applySnapshot(snapshot: HostRolloutSnapshot): void {
    const existing = this.#records.get(snapshot.rolloutId);
    const merged = mergeSnapshot(existing, snapshot);
    this.#keep(merged);
    if (existing !== undefined) this.#reportMove(existing, merged);
    if (!this.#options.quirks.snapshotRestartsProbes && existing?.state === merged.state) return;
    this.#run(rehydrate(merged));
  }

  /** Takes a dispatch that was checked; makes a record where there is none. */
  activate(dispatch: DispatchAnswer): void {
    const { rollout_id: rolloutId, target_closure: targetClosure, soak_due_at: soakDueAt } = dispatch;
    const { quirks, now, currentClosure } = this.#options;
    const known = this.#records.get(rolloutId);
    if (known !== undefined && known.state !== 'Pending' && !quirks.reducesRepeatedDispatch) return;
    if (known === undefined) {
      const { channel } = splitRolloutId(rolloutId);
      const hostname = 'self';
      this.#keep(newPending({ rolloutId, hostname, channel, targetClosure, soakDueAt, dispatchedAt: now() }));
    }
    this.dispatch(rolloutId, {
      kind: 'DispatchAck',
      currentClosureAtDispatch: quirks.acksWithTarget ? targetClosure : currentClosure(),
      receivedAt: dispatch.enqueued_at,
      seq: 0,
    });
  }

  /** Numbers an event, steps the record and has the effects done. What is refused is reported and lost. */
  dispatch(rolloutId: string, event: AgentEvent): void {
    const { report, quirks, now } = this.#options;
    const drop = (reason: string): void =>
      report({ type: 'event-dropped', rolloutId, kind: event.kind, reason });
    const record = this.#records.get(rolloutId);
    if (record === undefined) return drop('unknown rollout');
    const policy = this.#policies.get(record.channel);
    if (policy === undefined) return drop(`no policy is cached for channel ${record.channel}`);
    const unnumbered = event.kind === 'ActivationDeferred' && quirks.losesDeferral;
    const numbered = unnumbered ? event : { ...event, seq: record.lastEventSeq + 1 };
    const result = step(record, { family: 'local', event: numbered }, now(), policy);
    if (!result.ok) return drop(describe(result.error));
    const next = quirks.failureClockRunsOn ? result.next : withFailureClockReset(result.next);
    this.#keep(next);
    this.#reportMove(record, next);
    this.#run(result.effects);
  }

  #keep(record: HostRecord): void {
    this.#records.delete(record.rolloutId);
    this.#records.set(record.rolloutId, record);
    if (this.#records.size <= RECORDS_KEPT) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }

  #reportMove(before: HostRecord, after: HostRecord): void {
    if (before.state === after.state) return;
    const { rolloutId } = after;
    this.#options.report({ type: 'state', rolloutId, from: before.state, to: after.state });
  }

  #run(effects: readonly HostEffect[]): void {
    const { effects: hands } = this.#options;
    for (const effect of effects) {
      switch (effect.type) {
        case 'LocalEmitEvent':
          hands.emit(effect.rolloutId, effect.payload);
          break;
        case 'LocalFireSwitch':
          hands.fireSwitch(effect.rolloutId, effect.target);
          break;
        case 'LocalFireRollbackTo':
          hands.fireRollback(effect.rolloutId);
          break;
        case 'LocalResetProbeCache':
          hands.resetProbes(effect.rolloutId);
          break;
        case 'RecordTransition':
        case 'RemoteAppendEventLog':
        case 'RemoteInsertQuarantine':
          break;
      }
    }
  }
}

/** Quirk 18 off: a failure that no enforce probe shows any more is over. */
function withFailureClockReset(record: HostRecord): HostRecord {
  const failing = [...record.probes.values()].some(
    (probe) => probe.mode === 'enforce' && probe.status === 'fail',
  );
  const started = record.probeFailureFirstAt !== undefined && record.probes.size > 0;
  return started && !failing ? { ...record, probeFailureFirstAt: undefined } : record;
}

function describe(error: { kind: string; code?: string; from?: string }): string {
  return [error.kind, error.code, error.from].filter((part) => part !== undefined).join(' ');
}
