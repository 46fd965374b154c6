import { ActivationWorker } from '../../src/agent/activation.ts';
import { ageProblem } from '../../src/agent/artifacts.ts';
import type { HostBehaviour, ProbeDeclaration } from '../../src/agent/behaviour.ts';
import { agentConstants } from '../../src/agent/constants.ts';
import type { AgentFeedEvent } from '../../src/agent/feed.ts';
import { Machine } from '../../src/agent/machine.ts';
import { ProbeWorker } from '../../src/agent/probes.ts';
import { allQuirks, type AgentQuirks } from '../../src/agent/quirks.ts';
import { AgentReducer } from '../../src/agent/reducer.ts';
import type { AgentEvent, EventEnvelope } from '../../src/api/wire/events.ts';
import type { DispatchAnswer } from '../../src/api/wire/dispatch.ts';
import type { HostRolloutSnapshot } from '../../src/api/wire/snapshot.ts';
import type { Timestamp } from '../../src/api/time.ts';
import { advanceTick } from '../../src/core/host/advance-tick.ts';
import type { HostPolicy } from '../../src/core/host/result.ts';
import { encodeEvent } from '../../src/core/host/wire.ts';
import type { Timer } from '../../src/kube/clock.ts';
import type { EventLoop } from './event-loop.ts';
import type { AgentRoute } from './replica.ts';
import { SimProcess } from './sim-process.ts';

/** What an answer says; undefined where none came. */
export type HostAnswer = { readonly status: number; readonly text: string } | undefined;

/** What a host finds outside itself. */
export interface HostWorld {
  /** Sends a request to some replica; `answered` is called once. */
  request(
    host: SimHost,
    request: { route: AgentRoute; body?: unknown; query?: string; timeoutMs: number },
    answered: (answer: HostAnswer) => void,
  ): void;
  /** What the signed manifest of a rollout says, as agents fetch it. */
  manifest(
    rolloutId: string,
  ): { signedAt: Timestamp; targetOf(host: string): string | undefined } | undefined;
  policies(): ReadonlyMap<string, HostPolicy>;
  /** The host's machine or agent did something. */
  told(host: SimHost, event: AgentFeedEvent): void;
}

/** How a host is simulated. */
export interface SimHostOptions {
  readonly loop: EventLoop;
  readonly world: HostWorld;
  readonly name: string;
  readonly closure: string;
  readonly skewMs: number;
  readonly behaviour: HostBehaviour;
  readonly probes: readonly ProbeDeclaration[];
  readonly quirks: Partial<AgentQuirks>;
}

const SENT_KEPT = 64;

/** A machine with the agent's own reducer, activation and probes; requests are events instead of connections. */
export class SimHost {
  readonly name: string;
  readonly process: SimProcess;
  readonly machine: Machine;
  /** Events that wait to be sent; they survive the agent. */
  readonly outbox: EventEnvelope[] = [];
  /** Events that were answered, the last ones. */
  readonly sent: EventEnvelope[] = [];
  online = true;
  /** Whether the running agent's last heartbeat was answered, so that it knows what the operator told it. */
  answered = false;
  readonly #loop: EventLoop;
  readonly #world: HostWorld;
  readonly #quirks: AgentQuirks;
  #life = new AbortController();
  #reducer: AgentReducer | undefined;
  #probes: ProbeWorker | undefined;
  #sending = false;
  #ticker: Timer | undefined;
  #outboxTimer: Timer | undefined;
  /** When the running agent's outbox began to tick. */
  #outboxSince: number | undefined;
  #generation = 0;

  constructor(options: SimHostOptions) {
    const { loop, world, name, closure, behaviour, probes } = options;
    this.name = name;
    this.#loop = loop;
    this.#world = world;
    this.#quirks = { ...allQuirks, ...options.quirks };
    this.process = new SimProcess(loop, name, options.skewMs);
    const { clock } = this.process;
    const report = (event: AgentFeedEvent): void => {
      world.told(this, event);
      if (event.type === 'state' && event.to === 'Activating') this.#planReboot();
    };
    this.machine = new Machine({ hostname: name, closure, clock, report, probes, behaviour });
    this.machine.onAgentKilled = (seconds) => this.restart(seconds * 1000);
  }

  /** The rollouts that the running agent knows. */
  records() {
    return this.#reducer?.records() ?? [];
  }

  /** Starts the agent: one heartbeat, then everything else. */
  start(): void {
    this.#startParts();
    const generation = this.#generation;
    this.#heartbeat(agentConstants.bootHeartbeatTimeout, () => {
      if (generation !== this.#generation) return;
      this.#later(agentConstants.heartbeatEvery, () => this.#heartbeats());
      this.#poll();
      this.#outboxSince = this.#loop.now;
      this.#drain();
      this.#armOutbox();
    });
  }

  /** Kills the agent; another one starts after a pause, with the outbox and nothing else. */
  restart(downMs: number): void {
    this.#stopParts();
    this.#loop.schedule(downMs, this.process, () => this.start());
  }

  /** Boots the machine into its profile. */
  reboot(downMs: number): void {
    this.#stopParts();
    this.machine.boot();
    this.#loop.schedule(downMs, this.process, () => this.start());
  }

  /** Sends an event as it is, outside the order of the outbox. */
  post(envelope: EventEnvelope): void {
    const request = { route: 'events' as const, body: envelope, timeoutMs: agentConstants.outboxTimeout };
    this.#world.request(this, request, () => undefined);
  }

  /** Says that it runs `closure`, true or not. */
  claim(closure: string): void {
    const body = { hostname: this.name, current_closure: closure, at: this.process.clock.now() };
    const request = { route: 'heartbeat' as const, body, timeoutMs: agentConstants.heartbeatTimeout };
    this.#world.request(this, request, () => undefined);
  }

  #startParts(): void {
    this.#stopParts();
    const generation = this.#generation;
    this.#life = new AbortController();
    const { clock } = this.process;
    const { machine } = this;
    const report = (event: AgentFeedEvent): void => {
      this.#world.told(this, event);
      if (event.type === 'state' && event.to === 'Activating') this.#planReboot();
    };
    const raise = (rolloutId: string, event: AgentEvent): void => {
      if (generation !== this.#generation) return;
      reducer.setPolicies(this.#world.policies());
      reducer.dispatch(rolloutId, event);
      this.#armTicker();
    };
    const now = (): Timestamp => clock.now();
    const activation = new ActivationWorker({
      machine,
      clock,
      constants: agentConstants,
      quirks: this.#quirks,
      now,
      report,
      signal: this.#life.signal,
      raise,
      die: () => this.restart(agentConstants.restartPause),
    });
    const probes = new ProbeWorker({
      machine,
      clock,
      constants: agentConstants,
      now,
      raise,
      announcesObserved: this.#quirks.failureClockRunsOn,
    });
    const reducer = new AgentReducer({
      report,
      quirks: this.#quirks,
      now,
      currentClosure: () => machine.closure,
      effects: {
        emit: (rolloutId, event) => this.#emit(rolloutId, event),
        fireSwitch: (rolloutId, target) => activation.switchTo(rolloutId, target),
        fireRollback: (rolloutId) => activation.rollBack(rolloutId),
        resetProbes: (rolloutId) => probes.reset(rolloutId),
      },
    });
    this.#reducer = reducer;
    this.#probes = probes;
  }

  #stopParts(): void {
    this.#generation += 1;
    this.answered = false;
    this.#life.abort();
    this.#probes?.stop();
    this.#ticker?.cancel();
    this.#ticker = undefined;
    this.#outboxTimer?.cancel();
    this.#outboxTimer = undefined;
    this.#outboxSince = undefined;
    this.#reducer = undefined;
    this.#sending = false;
  }

  #later(ms: number, run: () => void): Timer {
    const generation = this.#generation;
    return this.#loop.schedule(ms, this.process, () => {
      if (generation === this.#generation) run();
    });
  }

  #heartbeats(): void {
    this.#heartbeat(agentConstants.heartbeatTimeout, (ok) => {
      this.#later(ok ? agentConstants.heartbeatEvery : agentConstants.heartbeatErrorPause, () =>
        this.#heartbeats(),
      );
    });
  }

  #heartbeat(timeoutMs: number, done: (ok: boolean) => void): void {
    const generation = this.#generation;
    const at = this.process.clock.now();
    const body = { hostname: this.name, current_closure: this.machine.closure, at };
    this.#world.request(this, { route: 'heartbeat', body, timeoutMs }, (answer) => {
      if (generation !== this.#generation) return;
      const ok = answer?.status === 200;
      this.answered = ok;
      if (ok) this.#takeSnapshots(answer.text);
      done(ok);
    });
  }

  #takeSnapshots(text: string): void {
    const { bootstrap_rollouts: snapshots = [] } = JSON.parse(text) as {
      bootstrap_rollouts?: HostRolloutSnapshot[];
    };
    this.#reducer?.setPolicies(this.#world.policies());
    for (const snapshot of snapshots) this.#reducer?.applySnapshot(snapshot);
    this.#armTicker();
  }

  #poll(): void {
    const generation = this.#generation;
    const request = { route: 'dispatch' as const, query: 'wait=60', timeoutMs: agentConstants.pollTimeout };
    this.#world.request(this, request, (answer) => {
      if (generation !== this.#generation) return;
      const pause = this.#taken(answer);
      this.#later(pause, () => this.#poll());
    });
  }

  /** How long to wait before the next poll. */
  #taken(answer: HostAnswer): number {
    if (answer === undefined || answer.status >= 400) return agentConstants.pollErrorPause;
    if (answer.status === 204) return 0;
    const dispatch = JSON.parse(answer.text) as DispatchAnswer;
    const { rollout_id: rolloutId, target_closure: target } = dispatch;
    this.#world.told(this, { type: 'dispatch', rolloutId, target });
    const reason = this.#refusal(dispatch);
    if (reason !== undefined) {
      this.#world.told(this, { type: 'dispatch-refused', rolloutId, reason });
      return agentConstants.pollErrorPause;
    }
    this.#reducer?.setPolicies(this.#world.policies());
    this.#reducer?.activate(dispatch);
    return 0;
  }

  #refusal({ hostname, rollout_id: rolloutId, target_closure: target }: DispatchAnswer): string | undefined {
    if (hostname !== this.name) return `it is for ${hostname}`;
    const manifest = this.#world.manifest(rolloutId);
    if (manifest === undefined) return 'there is no manifest';
    if (manifest.targetOf(this.name) !== target) return 'the manifest says otherwise';
    return ageProblem(manifest.signedAt, this.process.clock.now(), agentConstants.dispatchFreshnessWindow);
  }

  #emit(rolloutId: string, event: AgentEvent): void {
    const envelope: EventEnvelope = { hostname: this.name, rolloutId, event: encodeEvent(event) };
    // By seq over all rollouts, as the files of the outbox sort.
    const at = this.outbox.findIndex((waiting) => waiting.event.seq > event.seq);
    this.outbox.splice(at < 0 ? this.outbox.length : at, 0, envelope);
    this.#drain();
    this.#armOutbox();
  }

  /** The outbox's ticker. Its ticks are where they would be if it ticked all the time; empty, it need not. */
  #armOutbox(): void {
    const since = this.#outboxSince;
    if (since === undefined || this.#outboxTimer !== undefined || this.outbox.length === 0) return;
    const every = agentConstants.outboxRetryEvery;
    this.#outboxTimer = this.#later(every - ((this.#loop.now - since) % every), () => {
      this.#outboxTimer = undefined;
      this.#drain();
      this.#armOutbox();
    });
  }

  #drain(): void {
    const [next] = this.outbox;
    if (next === undefined || this.#sending) return;
    this.#sending = true;
    const generation = this.#generation;
    const { outboxTimeout: timeoutMs } = agentConstants;
    this.#world.request(this, { route: 'events', body: next, timeoutMs }, (answer) => {
      if (generation !== this.#generation) return;
      this.#sending = false;
      if (answer === undefined || answer.status < 200 || answer.status > 299) return;
      const at = this.outbox.indexOf(next);
      if (at >= 0) this.outbox.splice(at, 1);
      this.sent.push(next);
      if (this.sent.length > SENT_KEPT) this.sent.shift();
      this.#drain();
    });
  }

  /** The advance ticker, as long as there is something that time can change. */
  #armTicker(): void {
    if (this.#ticker !== undefined || !this.#soaks()) return;
    this.#ticker = this.#later(agentConstants.advanceTickEvery, () => {
      this.#ticker = undefined;
      const at = this.process.clock.now();
      for (const record of this.records()) {
        const due = advanceTick(record, at, this.#world.policies().get(record.channel));
        if (due !== undefined) this.#reducer?.dispatch(record.rolloutId, due);
      }
      this.#armTicker();
    });
  }

  #soaks(): boolean {
    return this.records().some(({ state }) => state === 'Soaking');
  }

  #planReboot(): void {
    const seconds = this.machine.behaviour.defers?.rebootAfterSeconds;
    if (seconds === undefined) return;
    this.#loop.schedule(seconds * 1000, this.process, () => {
      if (this.machine.profile !== this.machine.closure) this.reboot(agentConstants.restartPause);
    });
  }
}
