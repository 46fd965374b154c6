/** One life of an agent: from its start to its stop, with everything that dies then (agent-protocol.md §3.2). */
import type { Timestamp } from '../api/time.ts';
import { ActivationWorker } from './activation.ts';
import type { AgentParts, AgentSetting } from './agent-parts.ts';
import { ArtifactCache } from './artifact-cache.ts';
import type { ArtifactVerifier } from './artifacts.ts';
import { AgentClient, type AgentIdentity } from './client.ts';
import { Outbox } from './outbox.ts';
import { preciseNow } from './precise-time.ts';
import { ProbeWorker } from './probes.ts';
import { AgentReducer } from './reducer.ts';
import { runAdvanceTicker } from './workers/advance.ts';
import { heartbeat, runHeartbeats } from './workers/heartbeat.ts';
import { runLongPoll } from './workers/longpoll.ts';
import { runManifestPoll } from './workers/manifest-poll.ts';
import { repeat } from './workers/repeat.ts';

/** What an agent is started with. */
export interface AgentProcessOptions extends AgentSetting {
  readonly identity: AgentIdentity;
  readonly verifier: ArtifactVerifier;
  /** The agent was taken down by its own switch. */
  readonly onDeath: () => void;
}

/** A running agent. */
export class AgentProcess {
  readonly parts: AgentParts;
  readonly #life = new AbortController();
  readonly #probes: ProbeWorker;
  readonly #workers: Promise<void>;

  constructor(options: AgentProcessOptions, online: boolean) {
    const { machine, clock, constants, quirks, report, verifier, identity } = options;
    const { signal } = this.#life;
    const now = (): Timestamp => preciseNow(clock);
    const client = new AgentClient(identity, clock);
    client.setOnline(online);
    const artifacts = new ArtifactCache({
      client,
      store: machine.artifacts,
      verifier,
      constants,
      now,
      signal,
    });
    const outbox = new Outbox({
      hostname: machine.hostname,
      store: machine.outbox,
      report,
      shadowsEqualSeq: quirks.outboxShadowsEqualSeq,
      send: async (envelope) => {
        const bounds = { timeout: constants.outboxTimeout, signal };
        return (await client.post('/v1/agent/events', envelope, bounds)).status;
      },
    });
    const raise: AgentReducer['dispatch'] = (rolloutId, event) => {
      if (!signal.aborted) reducer.dispatch(rolloutId, event);
    };
    const activation = new ActivationWorker({
      machine,
      clock,
      constants,
      quirks,
      now,
      report,
      signal,
      raise,
      die: options.onDeath,
    });
    const probes = new ProbeWorker({
      machine,
      clock,
      constants,
      now,
      raise,
      announcesObserved: quirks.failureClockRunsOn,
    });
    const reducer = new AgentReducer({
      report,
      quirks,
      now,
      currentClosure: () => machine.closure,
      effects: {
        emit: (rolloutId, event) => void outbox.add(rolloutId, event),
        fireSwitch: (rolloutId, target) => activation.switchTo(rolloutId, target),
        fireRollback: (rolloutId) => activation.rollBack(rolloutId),
        resetProbes: (rolloutId) => probes.reset(rolloutId),
      },
    });
    this.#probes = probes;
    this.parts = {
      machine,
      constants,
      quirks,
      clock,
      report,
      client,
      artifacts,
      outbox,
      reducer,
      now,
      signal,
    };
    this.#workers = this.#run();
  }

  /** Cuts the network of this agent, or mends it. */
  setOnline(online: boolean): void {
    this.parts.client.setOnline(online);
  }

  /** Ends every worker, timer and connection; what is in the outbox stays there. */
  async stop(): Promise<void> {
    this.#life.abort();
    this.#probes.stop();
    this.parts.outbox.close();
    this.parts.client.close();
    await this.#workers;
    await this.parts.outbox.flush();
  }

  async #run(): Promise<void> {
    const { parts } = this;
    const { constants, clock, signal, reducer, outbox } = parts;
    // A failed first heartbeat is no reason not to start.
    const bootstrap = await heartbeat(parts, 'boot', constants.bootHeartbeatTimeout);
    if (signal.aborted) return;
    for (const snapshot of bootstrap ?? []) reducer.applySnapshot(snapshot);
    const retryOutbox = async (): Promise<number> => {
      await outbox.flush();
      return constants.outboxRetryEvery;
    };
    await Promise.all([
      runHeartbeats(parts),
      runLongPoll(parts),
      runManifestPoll(parts),
      runAdvanceTicker(parts),
      repeat(clock, signal, retryOutbox),
    ]);
  }
}
