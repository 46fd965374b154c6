/** A host of a simulation: a machine and, while it is up, an agent on it. */
import { systemClock, type Clock, type Timer } from '../kube/clock.ts';
import { AgentProcess } from './agent-process.ts';
import type { ArtifactVerifier } from './artifacts.ts';
import type { HostBehaviour, ProbeDeclaration } from './behaviour.ts';
import type { AgentIdentity } from './client.ts';
import { agentConstants, type AgentConstants } from './constants.ts';
import type { DurableStore } from './durable-store.ts';
import type { AgentFeed, Report } from './feed.ts';
import { Machine } from './machine.ts';
import { allQuirks, type AgentQuirks } from './quirks.ts';

/** How a host is simulated. */
export interface SimulatedHostOptions {
  readonly hostname: string;
  /** What it runs at the start. */
  readonly closure: string;
  readonly identity: AgentIdentity;
  /** Share one between hosts: it remembers what it has verified. */
  readonly verifier: ArtifactVerifier;
  readonly probes?: readonly ProbeDeclaration[];
  readonly behaviour?: HostBehaviour;
  /** Default: those of v0.2. */
  readonly constants?: AgentConstants;
  /** Default: all on. */
  readonly quirks?: Partial<AgentQuirks>;
  readonly clock?: Clock;
  readonly feed?: AgentFeed;
  /** Default: a disk in memory, which survives restarts of the agent and not of this process. */
  readonly disk?: (folder: 'outbound-queue' | 'artifacts') => DurableStore;
}

/** One simulated host. It does nothing before `start` and leaves nothing behind after `stop`. */
export class SimulatedHost {
  readonly machine: Machine;
  readonly #options: SimulatedHostOptions;
  readonly #clock: Clock;
  readonly #constants: AgentConstants;
  readonly #quirks: AgentQuirks;
  readonly #report: Report;
  readonly #timers = new Set<Timer>();
  #process: AgentProcess | undefined;
  #ending: Promise<void> = Promise.resolve();
  #online = true;
  #running = false;

  constructor(options: SimulatedHostOptions) {
    const { hostname, closure, probes = [], behaviour = {}, clock = systemClock, feed } = options;
    this.#options = options;
    this.#clock = clock;
    this.#constants = options.constants ?? agentConstants;
    this.#quirks = { ...allQuirks, ...options.quirks };
    this.#report = (event) => {
      feed?.({ ...event, host: hostname, at: clock.now() });
      if (event.type === 'state' && event.to === 'Activating') this.#planReboot();
    };
    this.machine = new Machine({
      hostname,
      closure,
      clock,
      report: this.#report,
      probes,
      behaviour,
      ...(options.disk !== undefined && { disk: options.disk }),
    });
    this.machine.onAgentKilled = (downSeconds) => this.restartAgent(downSeconds * 1000);
  }

  /** The host's name. */
  get hostname(): string {
    return this.machine.hostname;
  }

  /** Whether its network works. */
  get online(): boolean {
    return this.#online;
  }

  /** The agent that runs now, for tests that look inside. */
  get agent(): AgentProcess | undefined {
    return this.#process;
  }

  /** Boots the agent and lets the outages of the behaviour come. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const { afterSeconds, forSeconds } of this.machine.behaviour.outages ?? []) {
      this.#later(afterSeconds * 1000, () => this.goOffline());
      if (forSeconds !== undefined) this.#later((afterSeconds + forSeconds) * 1000, () => this.comeBack());
    }
    this.#startAgent();
  }

  /** Ends agent, timers and connections. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.machine.stop();
    this.#stopAgent();
    await this.#ending;
  }

  /** Cuts the network; agent and machine go on. */
  goOffline(): void {
    this.#setOnline(false);
  }

  /** Mends the network. */
  comeBack(): void {
    this.#setOnline(true);
  }

  /** Kills the agent; a new one, without memory but with outbox and artifacts, starts after `downMillis`. */
  restartAgent(downMillis: number = this.#constants.restartPause): void {
    this.#stopAgent();
    this.#later(downMillis, () => this.#startAgent());
  }

  /** Boots the machine into its newest generation; the agent is down meanwhile. */
  reboot(downMillis: number = this.#constants.restartPause): void {
    this.#stopAgent();
    this.#report({ type: 'rebooted' });
    this.machine.boot();
    this.#later(downMillis, () => this.#startAgent());
  }

  #startAgent(): void {
    if (!this.#running || this.#process !== undefined) return;
    const { identity, verifier } = this.#options;
    this.#process = new AgentProcess(
      {
        machine: this.machine,
        identity,
        verifier,
        constants: this.#constants,
        quirks: this.#quirks,
        clock: this.#clock,
        report: this.#report,
        onDeath: () => this.restartAgent(),
      },
      this.#online,
    );
    this.#report({ type: 'started' });
  }

  #stopAgent(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    this.#report({ type: 'stopped' });
    this.#ending = Promise.all([this.#ending, process.stop()]).then(() => undefined);
  }

  #setOnline(online: boolean): void {
    if (this.#online === online) return;
    this.#online = online;
    this.#process?.setOnline(online);
    this.#report({ type: online ? 'online' : 'offline' });
  }

  /** A deferred switch ends with a boot, which nobody announces. */
  #planReboot(): void {
    const seconds = this.machine.behaviour.defers?.rebootAfterSeconds;
    if (seconds === undefined) return;
    this.#later(seconds * 1000, () => {
      if (this.machine.profile !== this.machine.closure) this.reboot();
    });
  }

  #later(millis: number, work: () => void): void {
    const timer = this.#clock.setTimer(millis, () => {
      this.#timers.delete(timer);
      if (this.#running) work();
    });
    this.#timers.add(timer);
  }
}
