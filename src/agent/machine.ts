/** The machine under an agent: what it runs, and what befalls it. It outlives the agent's process. */
import type { Clock, Timer } from '../kube/clock.ts';
import type { ProbeStatus } from '../api/wire/enums.ts';
import { concerns, type HostBehaviour, type ProbeDeclaration } from './behaviour.ts';
import { memoryStore, type DurableStore } from './durable-store.ts';
import type { Report } from './feed.ts';

/** What a machine starts with. */
export interface MachineOptions {
  readonly hostname: string;
  /** What it runs now: the base name of a store path. */
  readonly closure: string;
  readonly clock: Clock;
  readonly report: Report;
  readonly probes?: readonly ProbeDeclaration[];
  readonly behaviour?: HostBehaviour;
  /** A folder of its disk; default: in memory. */
  readonly disk?: (folder: 'outbound-queue' | 'artifacts') => DurableStore;
}

/** The outcome of one run of a probe. */
export interface ProbeOutcome {
  readonly status: ProbeStatus;
  readonly failureReason?: string;
}

const DEFAULT_SWITCH_SECONDS = 2;
const GENERATIONS_KEPT = 16;

/** One simulated machine. */
export class Machine {
  readonly hostname: string;
  readonly outbox: DurableStore;
  readonly artifacts: DurableStore;
  readonly probes: readonly ProbeDeclaration[];
  behaviour: HostBehaviour;
  /** Called when a switch has taken the agent down, with how long it stays down, in seconds. */
  onAgentKilled: (downSeconds: number) => void = () => undefined;
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #generations: string[];
  #closure: string;
  #currentSince: number;
  #switching: Timer | undefined;

  constructor(options: MachineOptions) {
    this.hostname = options.hostname;
    const disk = options.disk ?? memoryStore;
    this.outbox = disk('outbound-queue');
    this.artifacts = disk('artifacts');
    this.probes = options.probes ?? [];
    this.behaviour = options.behaviour ?? {};
    this.#clock = options.clock;
    this.#report = options.report;
    this.#closure = options.closure;
    this.#generations = [options.closure];
    this.#currentSince = options.clock.monotonicMillis();
  }

  /** What it runs: the base name of /run/current-system. */
  get closure(): string {
    return this.#closure;
  }

  /** What it boots next. */
  get profile(): string {
    return this.#generations.at(-1) ?? this.#closure;
  }

  /** Makes `closure` the newest generation of the profile. */
  setProfile(closure: string): void {
    if (this.profile !== closure) this.#generations.push(closure);
    if (this.#generations.length > GENERATIONS_KEPT) this.#generations.shift();
  }

  /** Goes back one generation; returns it, or undefined where there is none before. */
  rollBackProfile(): string | undefined {
    if (this.#generations.length < 2) return undefined;
    this.#generations.pop();
    return this.profile;
  }

  /** Starts the service that switches to `closure`; it goes on whatever becomes of the agent. */
  startSwitch(closure: string): void {
    this.#switching?.cancel();
    const seconds = closure === this.#closure ? 0 : (this.behaviour.switchSeconds ?? DEFAULT_SWITCH_SECONDS);
    this.#switching = this.#clock.setTimer(seconds * 1000, () => {
      this.#switching = undefined;
      this.#become(closure);
      const fault = this.behaviour.restartsInSwitch;
      if (fault !== undefined && concerns(fault, closure)) this.onAgentKilled(fault.downSeconds);
    });
  }

  /** Boots: the profile becomes current, a switch under way is forgotten. */
  boot(): void {
    this.#switching?.cancel();
    this.#switching = undefined;
    this.#become(this.profile);
  }

  /** Runs one probe. */
  probe(name: string): ProbeOutcome {
    const seconds = (this.#clock.monotonicMillis() - this.#currentSince) / 1000;
    const fault = this.behaviour.failsProbes?.find(
      (candidate) =>
        candidate.probe === name &&
        concerns(candidate, this.#closure) &&
        seconds >= (candidate.fromSeconds ?? 0) &&
        seconds < (candidate.untilSeconds ?? Number.POSITIVE_INFINITY),
    );
    if (fault === undefined) return { status: 'pass' };
    return { status: 'fail', failureReason: fault.failureReason ?? `${name}: status 502 != expected 200` };
  }

  /** Ends its timers. */
  stop(): void {
    this.#switching?.cancel();
  }

  #become(closure: string): void {
    if (closure === this.#closure) return;
    const from = this.#closure;
    this.#closure = closure;
    this.#currentSince = this.#clock.monotonicMillis();
    this.#report({ type: 'closure', from, to: closure });
  }
}
