import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import { addMillis, millisBetween, type Timestamp } from '../../src/api/time.ts';
import type { AgentFeedEvent } from '../../src/agent/feed.ts';
import type { HostPolicy } from '../../src/core/host/result.ts';
import { configMapResource } from '../../src/kube/blob-store.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';
import type { Answer } from '../../src/webhook/answer.ts';
import { signRelease, trustText } from './ci.ts';
import { closureOf, commitOf } from './design.ts';
import { EventLoop } from './event-loop.ts';
import type { Call, Observer, WorldView } from './observer.ts';
import { Operators } from './operators.ts';
import { Prng } from './prng.ts';
import { Publications } from './publications.ts';
import { FLEET, NAMESPACE, type AgentMessage } from './replica.ts';
import type { Scenario } from './scenario.ts';
import { SimApi, type ApiChange } from './sim-api.ts';
import { drawnWeather } from './sim-client.ts';
import { SimHost, type HostWorld } from './sim-host.ts';
import { EPOCH } from './sim-process.ts';
import { User } from './user.ts';
import { Liar } from './liar.ts';

/** A rule that did not hold. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
  readonly atMs: number;
}

/** What became of a run. */
export interface RunResult {
  readonly violation: Violation | undefined;
  readonly simulatedMs: number;
  readonly steps: number;
}

interface Pending {
  readonly call: Call;
  readonly message: AgentMessage;
  slot: number | undefined;
  settle(answered: { readonly status: number; readonly text: string } | undefined): void;
}

const LOOK_MS = 10_000;
/** Nothing waits for longer than this: settling takes 330 s, a reboot up to 400 s, a superseded switch 10 min more than its soak. */
const QUIET_MS = 8 * 60_000;
const QUIET_AFTER_SUPERSEDING_MS = 16 * 60_000;
/** Fleets with liars never come to rest. */
const LIES_LONG_ENOUGH_MS = 15 * 60_000;

/** A fleet, its operators and its user, played from a scenario. */
export class World implements HostWorld, WorldView {
  readonly scenario: Scenario;
  readonly loop = new EventLoop();
  readonly api = new SimApi(this.loop);
  readonly hosts = new Map<string, SimHost>();
  readonly operators: Operators;
  readonly everQuarantined = new Set<string>();
  readonly publications = new Publications();
  readonly #user: User;
  readonly #prng: Prng;
  readonly #observers: readonly Observer[];
  readonly #pending = new Set<Pending>();
  readonly #policies: ReadonlyMap<string, HostPolicy>;
  #violation: Violation | undefined;
  #lastMove = 0;

  constructor(scenario: Scenario, observers: readonly Observer[]) {
    this.scenario = scenario;
    this.#observers = observers;
    this.#prng = new Prng(scenario.seed);
    const { weather, design } = scenario;
    this.#policies = new Map(design.channels.map(({ name, onHealthFailure }) => [name, { onHealthFailure }]));
    const lag = this.#prng.fork();
    this.operators = new Operators({
      loop: this.loop,
      api: this.api,
      prng: this.#prng.fork(),
      weather: drawnWeather(this.#prng.fork(), weather),
      steady: this.#steady,
      // Half of the runs compare often; the others show what happens where nothing is ever planned anew.
      planCheckMs: scenario.seed % 2 === 0 ? 60_000 : Infinity,
      watchLagMs: () => (this.#steady ? 3 : lag.chance(weather.stale) ? lag.int(500, 8_000) : lag.int(1, 40)),
      onError: (text) => this.violated('no-errors', text),
      onDeath: (slot) => this.#dropRequestsOf(slot),
    });
    this.#user = new User(this.api, () => this.#wallClock());
    this.api.onChange((change) => this.#seen(change));
    this.api.onRefusal((refusal) => {
      for (const observer of this.#observers) observer.onRefusal?.(refusal, this);
    });
  }

  get now(): number {
    return this.loop.now;
  }

  get design(): Scenario['design'] {
    return this.scenario.design;
  }

  get isCutOff(): boolean {
    return !this.#isOver();
  }

  get ledMs(): number {
    return this.operators.ledMs;
  }

  /** Plays the scenario to its end, or to the first rule that breaks. */
  async run(): Promise<RunResult> {
    this.#begin();
    await this.loop.runUntil(this.scenario.minutes * 60_000, LOOK_MS, () => this.#isOver());
    if (this.#violation === undefined) for (const observer of this.#observers) observer.atEnd?.(this);
    return { violation: this.#violation, simulatedMs: this.loop.now, steps: this.loop.steps };
  }

  violated(rule: string, what: string): void {
    this.#violation ??= { rule, what, atMs: this.loop.now };
  }

  millisOf(time: Timestamp): number {
    return millisBetween(EPOCH, time);
  }

  manifest(rolloutId: string) {
    return this.publications.served(rolloutId);
  }

  policies(): ReadonlyMap<string, HostPolicy> {
    return this.#policies;
  }

  told(host: SimHost, event: AgentFeedEvent): void {
    for (const observer of this.#observers) observer.onFeed?.(host, event, this);
  }

  request(...[host, request, answered]: Parameters<HostWorld['request']>): void {
    const gone: AgentMessage['gone'] = { value: false, listeners: new Set() };
    const message: AgentMessage = { hostname: host.name, gone, ...request };
    const call: Call = { host, route: request.route, body: request.body };
    let settled = false;
    const pending: Pending = {
      call,
      message,
      slot: undefined,
      settle: (answer) => {
        if (settled) return;
        settled = true;
        timer.cancel();
        this.#pending.delete(pending);
        answered(answer);
      },
    };
    const timer = this.loop.schedule(request.timeoutMs, host.process, () => {
      hangUp(gone);
      pending.settle(undefined);
    });
    this.#pending.add(pending);
    const slot = host.online ? this.operators.anyone(this.#prng) : undefined;
    if (slot === undefined) {
      this.loop.schedule(this.#prng.int(1, 50), host.process, () => pending.settle(undefined));
      return;
    }
    pending.slot = slot;
    this.#deliver(pending, slot);
  }

  /** Cuts a host's network, or mends it. */
  setOnline(name: string, online: boolean): void {
    const host = this.hosts.get(name);
    if (host === undefined) return;
    host.online = online;
    if (online) return;
    for (const pending of this.#pending) {
      if (pending.call.host !== host) continue;
      hangUp(pending.message.gone);
      this.loop.schedule(1, host.process, () => pending.settle(undefined));
    }
  }

  #deliver(pending: Pending, slot: number): void {
    const { call, message } = pending;
    const replica = this.operators.at(slot);
    if (replica === undefined) return;
    const { broken } = this.scenario.weather;
    const lost = this.#prng.chance(broken);
    this.loop.schedule(this.#latency(), replica.process, () => {
      if (message.gone.value) return;
      call.arrivedAt = this.loop.now;
      for (const observer of this.#observers) observer.onArrival?.(call, this);
      // What a route throws is a 500 (src/webhook/agent-webhook.ts); only our own broken connections may be the reason.
      const failed = (error: unknown): Answer => {
        if (!(error instanceof KubeError && error.status === 0)) {
          this.violated('no-errors', `a route threw ${String(error)}`);
        }
        return { status: 500 };
      };
      void replica
        .handle(message)
        .catch(failed)
        .then((answer) => {
          for (const observer of this.#observers) observer.onAnswer?.(call, answer, this);
          if (lost || message.gone.value) return;
          const { status, body } = answer;
          const text = typeof body === 'string' ? body : '';
          this.loop.schedule(this.#latency(), call.host.process, () => pending.settle({ status, text }));
        });
    });
  }

  #dropRequestsOf(slot: number): void {
    for (const pending of this.#pending) {
      if (pending.slot !== slot) continue;
      this.loop.schedule(this.#latency(), pending.call.host.process, () => pending.settle(undefined));
    }
  }

  #begin(): void {
    const { scenario, loop } = this;
    this.api.create(
      configMapResource,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'trust', namespace: NAMESPACE },
        data: { 'trust.json': trustText },
      },
      'user',
    );
    for (const release of scenario.releases) {
      loop.schedule(release.atSeconds * 1000, undefined, () => this.#publish(release));
    }
    if (scenario.signsEveryMinutes !== undefined) this.#signAgainEvery(scenario.signsEveryMinutes * 60_000);
    this.operators.start();
    for (const [name, plan] of Object.entries(scenario.hosts)) {
      const host = new SimHost({
        loop,
        world: this,
        name,
        closure: closureOf(name, plan.closureCommit),
        skewMs: plan.skewMs ?? 0,
        behaviour: plan.behaviour ?? {},
        probes: plan.probes ?? [],
        quirks: plan.quirks ?? {},
      });
      this.hosts.set(name, host);
      const startMs = this.#steady ? this.hosts.size * 7_000 - 6_600 : this.#prng.int(0, 60_000);
      loop.schedule(startMs, host.process, () => host.start());
      if (plan.lies === true) new Liar(host, loop, this.#prng.fork()).start();
    }
    for (const fault of scenario.faults) {
      loop.schedule(fault.atSeconds * 1000, undefined, () => this.#strike(fault));
    }
  }

  /** CI signs what is in force before agents take it for too old. */
  #signAgainEvery(ms: number): void {
    this.loop.schedule(ms, undefined, () => {
      const newest = this.scenario.releases.findLast(({ atSeconds }) => atSeconds * 1000 <= this.loop.now);
      if (newest !== undefined) this.#publish(newest);
      this.#signAgainEvery(ms);
    });
  }

  #publish(release: Scenario['releases'][number]): void {
    const signed = signRelease(this.design, release, this.#wallClock());
    this.publications.add(commitOf(release.commit), signed);
    this.#user.publish(signed, this.scenario.offline);
  }

  #strike(fault: Scenario['faults'][number]): void {
    for (const observer of this.#observers) observer.onFault?.(fault, this);
    switch (fault.kind) {
      case 'kill':
        return this.operators.kill(fault.who);
      case 'pause':
        return this.operators.pause(fault.who, fault.seconds * 1000);
      case 'offline':
        this.setOnline(fault.host, false);
        this.loop.schedule(fault.seconds * 1000, undefined, () => this.setOnline(fault.host, true));
        return;
      case 'restart-agent':
        this.hosts.get(fault.host)?.restart(fault.seconds * 1000);
        return;
      case 'mend':
        this.#mend(fault.host);
        return;
      case 'wipe':
        return this.#wipe();
      default:
        this.#user.act(fault);
    }
  }

  /** Whatever was wrong with the machine is no more. */
  #mend(name: string): void {
    const machine = this.hosts.get(name)?.machine;
    if (machine !== undefined) machine.behaviour = {};
  }

  /** Throws away every object but the Fleet, as somebody does who restores nothing else. */
  #wipe(): void {
    for (const observer of this.#observers) observer.onWipe?.(this);
    this.#throwAway(hostRolloutRecordResource);
    this.#throwAway(rolloutResource);
    this.#throwAway(hostResource);
    this.#throwAway(quarantinedClosureResource);
    this.#throwAway(configMapResource);
  }

  #throwAway<T extends KubeObject>(resource: Resource<T>): void {
    for (const { metadata } of this.api.all(resource)) {
      if (metadata.name !== 'trust') this.api.delete(resource, metadata, {}, 'user');
    }
  }

  #seen(change: ApiChange): void {
    if (change.plural === 'fleets') this.publications.note(change.object as unknown as Fleet);
    if (change.plural === 'quarantinedclosures') {
      const { channel, closure } = (change.object as unknown as QuarantinedClosure).spec;
      this.everQuarantined.add(`${channel} ${closure}`);
    }
    if (change.plural === 'hostrolloutrecords' || change.plural === 'rollouts')
      this.#lastMove = this.loop.now;
    for (const observer of this.#observers) observer.onChange?.(change, this);
  }

  #isOver(): boolean {
    if (this.#violation !== undefined) return true;
    if (this.loop.now < this.#lastActMs + 30_000) return false;
    if (this.#lies && this.loop.now > this.#lastActMs + LIES_LONG_ENOUGH_MS) return true;
    const quiet = this.scenario.releases.length > 1 ? QUIET_AFTER_SUPERSEDING_MS : QUIET_MS;
    return this.loop.now - Math.max(this.#lastMove, this.#lastActMs) > quiet || this.#isDone();
  }

  #isDone(): boolean {
    const fleet = this.api.peek(fleetResource, { namespace: NAMESPACE, name: FLEET });
    const { releases } = this.scenario;
    if (fleet?.status?.artifact?.ciCommit !== commitOf(releases.at(-1)?.commit ?? 0)) return false;
    if (this.loop.now - this.#lastMove < 20_000) return false;
    const channels = fleet.status.channels ?? [];
    return channels.every(({ rollout }) => {
      const found = this.api.peek(rolloutResource, { namespace: NAMESPACE, name: rollout });
      return found?.status?.state === 'Terminal';
    });
  }

  /** When the last thing from outside is over. */
  get #lastActMs(): number {
    const { releases, faults } = this.scenario;
    const ends = faults.map((fault) => fault.atSeconds + ('seconds' in fault ? fault.seconds : 0));
    return Math.max(...releases.map(({ atSeconds }) => atSeconds), ...ends) * 1000;
  }

  get #lies(): boolean {
    return Object.values(this.scenario.hosts).some(({ lies }) => lies === true);
  }

  get #steady(): boolean {
    return this.scenario.weather.steady === true;
  }

  #latency(): number {
    if (this.#steady) return 5;
    return this.#prng.chance(this.scenario.weather.slow) ? this.#prng.int(50, 3_000) : this.#prng.int(1, 30);
  }

  #wallClock(): Timestamp {
    return addMillis(EPOCH, this.loop.now);
  }
}

function hangUp(gone: AgentMessage['gone']): void {
  if (gone.value) return;
  gone.value = true;
  for (const listener of gone.listeners) listener();
}
