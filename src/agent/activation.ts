/** The activation worker: switches and switches back, one at a time (agent-protocol.md §3.6, §3.8). */
import type { AgentEvent } from '../api/wire/events.ts';
import type { Timestamp } from '../api/time.ts';
import type { Clock } from '../kube/clock.ts';
import { concerns } from './behaviour.ts';
import type { AgentConstants } from './constants.ts';
import { messageOf, type Report } from './feed.ts';
import type { Machine } from './machine.ts';
import type { AgentQuirks } from './quirks.ts';

/** What the worker needs. */
export interface ActivationOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly constants: AgentConstants;
  readonly quirks: AgentQuirks;
  readonly now: () => Timestamp;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly raise: (rolloutId: string, event: AgentEvent) => void;
  /** The switch has taken the agent down (quirk 5). */
  readonly die: () => void;
}

type Outcome = 'switched' | 'third closure' | 'timeout';

/** Runs what it is told to, in order, until the signal aborts. */
export class ActivationWorker {
  readonly #options: ActivationOptions;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ActivationOptions) {
    this.#options = options;
  }

  /** Switches to `target` and raises what comes of it. */
  switchTo(rolloutId: string, target: string): void {
    this.#enqueue(async () => this.#switchTo(rolloutId, target));
  }

  /** Switches back to the generation before. Which one that is, the profile knows; the order does not say. */
  rollBack(rolloutId: string): void {
    this.#enqueue(async () => this.#rollBack(rolloutId));
  }

  #enqueue(job: () => Promise<void>): void {
    const before = this.#work;
    this.#work = this.#runAfter(before, job);
  }

  async #runAfter(before: Promise<void>, job: () => Promise<void>): Promise<void> {
    const { signal, report } = this.#options;
    await before;
    if (signal.aborted) return;
    try {
      await job();
    } catch (error) {
      if (!signal.aborted) report({ type: 'error', part: 'activation', message: messageOf(error) });
    }
  }

  async #switchTo(rolloutId: string, target: string): Promise<void> {
    const { machine, clock, signal, now, raise } = this.#options;
    raise(rolloutId, {
      kind: 'ActivationStarted',
      startedAt: now(),
      switchMethod: 'switch-to-configuration',
      seq: 0,
    });
    // The real agent stamps the end before it begins (§3.6).
    const completedAt = now();
    const { failsToActivate, defers } = machine.behaviour;
    if (failsToActivate !== undefined && concerns(failsToActivate, target)) {
      await clock.sleep(this.#options.constants.switchPollEvery, signal);
      this.#fail(rolloutId, failsToActivate.exitCode, failsToActivate.stderrTail);
      return;
    }
    machine.setProfile(target);
    if (defers !== undefined && concerns(defers, target) && machine.closure !== target) {
      raise(rolloutId, {
        kind: 'ActivationDeferred',
        component: defers.component,
        deferredAt: now(),
        seq: 0,
      });
      return;
    }
    const outcome = await this.#runSwitch(target);
    if (outcome === 'switched') {
      raise(rolloutId, {
        kind: 'ActivationCompleted',
        observedCurrentClosure: machine.closure,
        exitCode: 0,
        completedAt,
        seq: 0,
      });
    } else if (outcome === 'third closure') {
      this.#fail(rolloutId, -3, `switch: ${machine.closure} is current instead`);
    } else {
      this.#fail(rolloutId, -1, 'switch: the closure did not become current in time');
    }
  }

  async #rollBack(rolloutId: string): Promise<void> {
    const { machine, now, raise, quirks, die } = this.#options;
    const before = machine.rollBackProfile();
    if (before === undefined) return this.#fail(rolloutId, -1, 'rollback: there is no generation before');
    const outcome = await this.#runSwitch(before);
    if (outcome !== 'switched') return this.#fail(rolloutId, -1, `rollback: ${outcome}`);
    if (quirks.losesRollbackReport) return die();
    raise(rolloutId, {
      kind: 'RollbackComplete',
      revertedToClosure: before,
      exitCode: 0,
      completedAt: now(),
      seq: 0,
    });
  }

  async #runSwitch(target: string): Promise<Outcome> {
    const { machine, clock, constants, signal } = this.#options;
    const start = machine.closure;
    machine.startSwitch(target);
    for (let waited = 0; ; waited += constants.switchPollEvery) {
      // The first look comes after a pause: the service has to be up first.
      await clock.sleep(constants.switchPollEvery, signal);
      if (machine.closure === target) return 'switched';
      if (machine.closure !== start) return 'third closure';
      if (waited >= constants.switchLimit) return 'timeout';
    }
  }

  #fail(rolloutId: string, exitCode: number, stderrTail: string): void {
    const { raise, now } = this.#options;
    raise(rolloutId, { kind: 'ActivationFailed', exitCode, stderrTail, failedAt: now(), seq: 0 });
  }
}
