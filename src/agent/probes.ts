/** The probe worker: one ticker per declared probe (agent-protocol.md §3.7). */
import type { AgentEvent } from '../api/wire/events.ts';
import type { Timestamp } from '../api/time.ts';
import type { Clock, Timer } from '../kube/clock.ts';
import type { ProbeDeclaration } from './behaviour.ts';
import type { AgentConstants } from './constants.ts';
import type { Machine } from './machine.ts';

/** What the worker needs. */
export interface ProbeWorkerOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly constants: AgentConstants;
  readonly now: () => Timestamp;
  /** Quirk 18: an observed probe's first failure is announced, too. */
  readonly announcesObserved: boolean;
  readonly raise: (rolloutId: string, event: AgentEvent) => void;
}

/** At most one set of tickers, for the rollout that was reset last. They go on until the next reset. */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  readonly #timers = new Map<string, Timer>();
  #generation = 0;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
  }

  /** Aborts all tickers, declares the probes again and runs each at once. Without probes it says nothing. */
  reset(rolloutId: string): void {
    this.stop();
    const { machine, clock, now, raise } = this.#options;
    if (machine.probes.length === 0) return;
    const generation = this.#generation;
    // The switch that ordered the reset has to be reported first.
    this.#timers.set(
      '',
      clock.setTimer(0, () => {
        const probes = machine.probes.map(({ name, kind, mode }) => ({ probeName: name, kind, mode }));
        raise(rolloutId, { kind: 'ProbeTopologyDeclared', probes, declaredAt: now(), seq: 0 });
        for (const probe of machine.probes) {
          if (generation === this.#generation && probe.mode !== 'disabled')
            this.#tick(rolloutId, probe, undefined);
        }
      }),
    );
  }

  /** Ends all tickers. */
  stop(): void {
    this.#generation += 1;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #tick(rolloutId: string, probe: ProbeDeclaration, before: 'pass' | 'fail' | undefined): void {
    const { machine, clock, constants, now, raise, announcesObserved } = this.#options;
    const generation = this.#generation;
    const { status, failureReason } = machine.probe(probe.name);
    const common = { probeName: probe.name, mode: probe.mode, seq: 0 };
    const at = now();
    if (before === undefined) raise(rolloutId, { kind: 'ProbeObservedFirst', ...common, observedAt: at });
    const announced = probe.mode === 'enforce' || announcesObserved;
    if (status === 'fail' && before !== 'fail' && announced) {
      raise(rolloutId, { kind: 'ProbeFailureFirst', ...common, firstFailedAt: at });
    }
    raise(rolloutId, {
      kind: 'ProbeResult',
      ...common,
      status,
      observedAt: at,
      ...(failureReason !== undefined && { failureReason }),
    });
    if (generation !== this.#generation) return; // raising may have reset us
    const declared =
      probe.intervalSeconds === undefined
        ? constants.probeInterval
        : (probe.intervalSeconds * 1000) / constants.factor;
    const interval = Math.max(declared, constants.probeIntervalFloor);
    this.#timers.set(
      probe.name,
      clock.setTimer(interval, () => this.#tick(rolloutId, probe, status)),
    );
  }
}
