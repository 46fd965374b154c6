import { dispatchAnswerSchema, type DispatchAnswer } from '../../../src/api/wire/dispatch.ts';
import { heartbeatResponseSchema } from '../../../src/api/wire/heartbeat.ts';
import type { HostRolloutSnapshot } from '../../../src/api/wire/snapshot.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import { WireHost } from '../../support/agent-port.ts';
import { priorOf } from '../../support/small-fleet.ts';

/** Where a hand-moved host lives. */
export interface HandHostPlace {
  readonly agentPort: number;
  readonly agentCa: PemPair;
  readonly clock: Clock;
}

/** A host whose every word a test chooses. It counts its events per rollout as an agent does. */
export class HandHost {
  readonly name: string;
  /** What it runs. */
  closure: string;
  readonly wire: WireHost;
  readonly #clock: Clock;
  readonly #seqs = new Map<string, number>();
  #rolloutId = '';

  private constructor(name: string, wire: WireHost, clock: Clock) {
    this.name = name;
    this.wire = wire;
    this.#clock = clock;
    this.closure = priorOf(name);
  }

  static async join({ agentPort, agentCa, clock }: HandHostPlace, name: string): Promise<HandHost> {
    return new HandHost(name, await WireHost.of({ port: agentPort, ca: agentCa }, name), clock);
  }

  get now(): Timestamp {
    return this.#clock.now();
  }

  /** Reports what it runs, and again while it is told to come back. Resolves to the snapshots. */
  async heartbeat(): Promise<readonly HostRolloutSnapshot[]> {
    for (;;) {
      const body = { hostname: this.name, current_closure: this.closure, at: this.now };
      const answer = await this.wire.post('/v1/agent/heartbeat', body);
      if (answer.status === 503) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      if (answer.status !== 200)
        throw new Error(`heartbeat of ${this.name}: ${answer.status} ${answer.body}`);
      return heartbeatResponseSchema.parse(JSON.parse(answer.body)).bootstrap_rollouts ?? [];
    }
  }

  /** Looks for a dispatch without waiting. */
  async look(): Promise<DispatchAnswer | undefined> {
    return this.poll(0);
  }

  /** Waits for a dispatch, up to so many seconds of this machine. */
  async poll(seconds = 20): Promise<DispatchAnswer | undefined> {
    const answer = await this.wire.get(`/v1/agent/dispatch?wait=${seconds}`);
    if (answer.status === 204) return undefined;
    if (answer.status !== 200) throw new Error(`dispatch of ${this.name}: ${answer.status} ${answer.body}`);
    const dispatch = dispatchAnswerSchema.parse(JSON.parse(answer.body));
    this.#rolloutId = dispatch.rollout_id;
    return dispatch;
  }

  /** Waits for a dispatch; there has to be one. */
  async dispatched(): Promise<DispatchAnswer> {
    const dispatch = await this.poll();
    if (dispatch === undefined) throw new Error(`${this.name} was not dispatched`);
    return dispatch;
  }

  /** Sends an event about a rollout, by default that of the last dispatch. Returns the status. */
  async say(kind: string, fields: object, rolloutId = this.#rolloutId): Promise<number> {
    const seq = (this.#seqs.get(rolloutId) ?? 0) + 1;
    this.#seqs.set(rolloutId, seq);
    const event = { kind, ...fields, seq };
    const { status } = await this.wire.post('/v1/agent/events', { hostname: this.name, rolloutId, event });
    return status;
  }

  /** Makes it count on from here, as after a snapshot. */
  countFrom(seq: number, rolloutId = this.#rolloutId): void {
    this.#rolloutId = rolloutId;
    this.#seqs.set(rolloutId, seq);
  }

  /** Acknowledges a dispatch: Activating. */
  async ack({ enqueued_at: receivedAt, target_closure: target }: DispatchAnswer): Promise<void> {
    await this.say('DispatchAck', { currentClosureAtDispatch: target, receivedAt });
  }

  /** Fetches its dispatch and acknowledges it. */
  async activate(): Promise<DispatchAnswer> {
    const dispatch = await this.dispatched();
    await this.ack(dispatch);
    return dispatch;
  }

  /** Runs the target and says so: Soaking. */
  async complete(target: string): Promise<void> {
    this.closure = target;
    await this.say('ActivationCompleted', {
      observedCurrentClosure: target,
      exitCode: 0,
      completedAt: this.now,
    });
  }

  /** Says that its switch went wrong: Failed. */
  async fail(): Promise<void> {
    await this.say('ActivationFailed', { exitCode: -1, stderrTail: 'no space left', failedAt: this.now });
  }

  /** Says that it is through. */
  async converge(): Promise<void> {
    await this.say('Converged', { convergedAt: this.now, currentClosure: this.closure });
  }

  /** Everything from the dispatch to Converged, with a heartbeat on the new closure. */
  async goThrough(): Promise<void> {
    const { target_closure: target } = await this.activate();
    await this.complete(target);
    await this.converge();
    await this.heartbeat();
  }

  close(): void {
    this.wire.close();
  }
}
