/** Folding a record's inbox: how what hosts say becomes state, exactly once (architecture.md §1). */
import type { HistoryEntry, InboxEntry, PendingEffect } from '../../api/kinds/host-rollout-record.ts';
import { millisBetween, type Timestamp } from '../../api/time.ts';
import { applyEvent } from './apply-event.ts';
import type { HostEffect } from './effects.ts';
import { soakDueAtOnLeaving, type FoldState, type Report } from './extras.ts';
import { readEntry } from './inbox-entry.ts';
import { recoveryEvents } from './recovery.ts';
import type { StoredEvent } from './reduce-event.ts';
import type { HostPolicy, HostStepError } from './result.ts';

/** The leader's permission to recover Pending records: given only while no gate blocks. */
export interface PendingPermission {
  /** An earlier record of the host has the same target and is not Converged (D20). */
  readonly stopAtSoaking: boolean;
  /** What the host runs now, by its Host object; `lastReport` counts only while it says the same. */
  readonly hostClosure: string | undefined;
}

/** What a fold needs besides record and inbox. */
export interface FoldContext {
  readonly now: Timestamp;
  readonly policy: HostPolicy;
  /** Absent in the webhook always, in the leader while a gate blocks: the Pending rule is not applied then. */
  readonly pendingRecovery?: PendingPermission | undefined;
}

/** Why an entry was refused: by the machine, or because nobody of ours has written it. */
export type RefusalError = HostStepError | { readonly kind: 'Undecodable'; readonly message: string };

/** An entry that changed nothing. It is removed all the same. */
export interface Refusal {
  readonly entry: InboxEntry;
  readonly error: RefusalError;
}

/** What a fold yields. Every entry it was given is decided; the caller removes them all in the PUT that stores `state`. */
export interface FoldOutcome {
  readonly state: FoldState;
  /** The number of entries decided. */
  readonly removed: number;
  /** In order; `cause` is the event's kind, or `Heartbeat` where recovery made the event up. */
  readonly transitions: readonly HistoryEntry[];
  /** Outside effects, to be listed in the object by the same PUT and done afterwards. */
  readonly pendingEffects: readonly PendingEffect[];
  /** Everything the machine asked for, in order, for the audit log. */
  readonly effects: readonly HostEffect[];
  readonly refused: readonly Refusal[];
}

/** How long entries that cause no transition may wait for the next one (architecture.md §1, rule 4). */
export interface WaitLimits {
  /** Milliseconds; 5,000 by default. */
  readonly inboxMaxAgeMs: number;
  /** So many entries do not wait any longer; 8 by default. */
  readonly inboxBatch: number;
}

/** The longest reason that a pending effect may carry. */
const reasonMaxLength = 512;

/**
 * Decides every entry in the order of arrival, then, with permission, the Pending rule for the last report. A refusal
 * changes nothing; since the webhook has judged each event before storing it, one can only happen after a Heartbeat
 * entry that changed the record.
 */
export function foldInbox(start: FoldState, inbox: readonly InboxEntry[], context: FoldContext): FoldOutcome {
  const fold = new Fold(start, context);
  for (const entry of inbox) fold.decide(entry);
  fold.recoverFromLastReport();
  return fold.outcome(inbox.length);
}

/** Milliseconds until a fold has to be written; 0 for at once, undefined where there is nothing to write. */
export function writeDueInMillis(
  outcome: FoldOutcome,
  inbox: readonly InboxEntry[],
  now: Timestamp,
  { inboxMaxAgeMs, inboxBatch }: WaitLimits,
): number | undefined {
  if (outcome.transitions.length > 0 || inbox.length >= inboxBatch) return 0;
  const [oldest] = inbox;
  if (oldest === undefined) return undefined;
  return Math.max(0, inboxMaxAgeMs - Math.max(0, millisBetween(oldest.at, now)));
}

class Fold {
  readonly #context: FoldContext;
  readonly #transitions: HistoryEntry[] = [];
  readonly #pendingEffects: PendingEffect[] = [];
  readonly #effects: HostEffect[] = [];
  readonly #refused: Refusal[] = [];
  #state: FoldState;

  constructor(start: FoldState, context: FoldContext) {
    this.#state = start;
    this.#context = context;
  }

  decide(entry: InboxEntry): void {
    const message = readEntry(entry);
    if (!message.ok) {
      this.#refused.push({ entry, error: { kind: 'Undecodable', message: message.message } });
      return;
    }
    const { value } = message;
    if (value.kind === 'Heartbeat') {
      this.#recover({ closure: value.closure, at: value.at }, entry.at);
      this.#state = withLastReport(this.#state, {
        closure: value.closure,
        at: value.at,
        receivedAt: entry.at,
      });
      return;
    }
    const soakDueAt = soakDueAtOnLeaving(this.#state.extras, entry.at);
    const error = this.#apply(value, value.kind, soakDueAt);
    if (error !== undefined) this.#refused.push({ entry, error });
  }

  /** A gate may have opened since the host last said that it runs its target. */
  recoverFromLastReport(): void {
    const { record, extras } = this.#state;
    const permission = this.#context.pendingRecovery;
    if (record.state !== 'Pending' || permission === undefined || extras.lastReport === undefined) return;
    if (permission.hostClosure !== undefined && permission.hostClosure !== extras.lastReport.closure) return;
    this.#recover(extras.lastReport, this.#context.now);
  }

  outcome(removed: number): FoldOutcome {
    return {
      state: this.#state,
      removed,
      transitions: this.#transitions,
      pendingEffects: this.#pendingEffects,
      effects: this.#effects,
      refused: this.#refused,
    };
  }

  #recover(report: Report, receivedAt: Timestamp): void {
    const soakDueAt = this.#recoveredSoakDueAt(report, receivedAt);
    const permission = this.#context.pendingRecovery;
    const pending = permission && { stopAtSoaking: permission.stopAtSoaking, soakDueAt };
    for (const event of recoveryEvents(this.#state, report, pending)) {
      if (this.#apply(event, 'Heartbeat', soakDueAt) !== undefined) return;
    }
  }

  /** Without a mark, a host that converges in one go has soaked long ago; one that shall soak does it from now (D3). */
  #recoveredSoakDueAt(report: Report, receivedAt: Timestamp): Timestamp {
    const { extras } = this.#state;
    const wholeChain = this.#context.pendingRecovery?.stopAtSoaking === false;
    return wholeChain && extras.dispatch === undefined ? report.at : soakDueAtOnLeaving(extras, receivedAt);
  }

  #apply(event: StoredEvent, cause: string, soakDueAt: Timestamp): HostStepError | undefined {
    const { now, policy } = this.#context;
    const applied = applyEvent(this.#state, event, { now, policy, soakDueAt });
    if (!applied.ok) return applied.error;
    this.#state = applied.state;
    for (const effect of applied.effects) this.#collect(effect, event.seq, cause);
    return undefined;
  }

  #collect(effect: HostEffect, seq: number, cause: string): void {
    this.#effects.push(effect);
    if (effect.type === 'RecordTransition') {
      this.#transitions.push({ from: effect.from, to: effect.to, at: effect.at, seq, cause });
    } else if (effect.type === 'RemoteInsertQuarantine') {
      const { hostname, rolloutId } = this.#state.record;
      const reason = `${hostname} rolled back from it in ${rolloutId}`.slice(0, reasonMaxLength);
      const { channel, closure } = effect;
      this.#pendingEffects.push({
        type: 'InsertQuarantine',
        seq,
        channel,
        closure,
        reason,
        at: this.#context.now,
      });
    }
  }
}

function withLastReport(state: FoldState, lastReport: Report): FoldState {
  return { ...state, extras: { ...state.extras, lastReport } };
}
