import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { timestampFromMillis } from '../../src/api/time.ts';
import { mintAgentCertificate } from '../../src/dev/agent-ca.ts';
import { CN_SUFFIX, type Installation } from '../../src/dev/local/installation.ts';
import type { GrownHost } from './grown-fleet.ts';
import { KeptConnection, type Peer } from './kept-connection.ts';

/** An agent as far as the agent port sees it: a held poll on one connection, heartbeats on another. */
interface LoadAgent {
  readonly peer: Peer;
  readonly hostname: string;
  readonly closure: string;
  beats?: KeptConnection;
  polls?: KeptConnection;
}

/** How a stream of heartbeats was answered. */
export interface HeartbeatRun {
  readonly answered: number;
  readonly perSecond: number;
  /** From when a heartbeat was due until it was answered, in milliseconds, ascending. */
  readonly latencies: readonly number[];
}

const POLL = 'GET /v1/agent/dispatch?wait=60 HTTP/1.1\r\nhost: localhost\r\n\r\n';
const LANES_OF_CONNECTS = 32;

/** Many connected agents in this process; they do nothing of their own accord but poll again. */
export class LoadAgents {
  readonly #agents: readonly LoadAgent[];
  #next = 0;
  #stopped = false;

  private constructor(agents: readonly LoadAgent[]) {
    this.#agents = agents;
  }

  /** Gives every host a certificate; none connects yet. */
  static async of(
    installation: Installation,
    port: number,
    hosts: readonly GrownHost[],
  ): Promise<LoadAgents> {
    const { agentCa } = installation;
    const agents: LoadAgent[] = [];
    for (const { hostname, closure } of hosts) {
      const pair = await mintAgentCertificate(agentCa, { machineId: hostname, suffix: CN_SUFFIX });
      const secureContext = createSecureContext({
        ca: agentCa.certPem,
        cert: pair.certPem,
        key: pair.keyPem,
      });
      agents.push({
        peer: { port, caPem: agentCa.certPem, secureContext },
        hostname,
        closure,
      });
    }
    return new LoadAgents(agents);
  }

  /**
   * Connects so many of them, each with a held poll and an answered heartbeat; resolves to the seconds that took.
   * Default: all that are not connected yet.
   */
  async connect(count = this.#agents.length): Promise<number> {
    const started = performance.now();
    const waiting = this.#agents.filter(({ beats }) => beats === undefined).slice(0, count);
    const lane = async (): Promise<void> => {
      for (let agent = waiting.pop(); agent !== undefined; agent = waiting.pop()) {
        agent.polls = await KeptConnection.open(agent.peer);
        void this.#poll(agent.polls);
        agent.beats = await KeptConnection.open(agent.peer);
        await beat(agent);
      }
    };
    await Promise.all(Array.from({ length: LANES_OF_CONNECTS }, lane));
    return (performance.now() - started) / 1000;
  }

  /** Sends heartbeats as fast as they are answered, so many under way at a time. */
  async asFastAsPossible(seconds: number, inFlight: number): Promise<HeartbeatRun> {
    const started = performance.now();
    const end = started + seconds * 1000;
    const latencies: number[] = [];
    const lane = async (): Promise<void> => {
      for (let now = performance.now(); now < end; now = performance.now()) {
        await this.#beatNext();
        latencies.push(performance.now() - now);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return runOf(latencies, performance.now() - started);
  }

  /** Sends so many heartbeats a second, whether the ones before are answered or not. */
  async atRate(perSecond: number, seconds: number): Promise<HeartbeatRun> {
    const started = performance.now();
    const latencies: number[] = [];
    const underWay = new Set<Promise<void>>();
    const send = async (due: number): Promise<void> => {
      await this.#beatNext();
      latencies.push(performance.now() - due);
    };
    for (let sent = 0; sent < perSecond * seconds;) {
      const due = started + (sent * 1000) / perSecond;
      if (due > performance.now()) {
        await sleep(1);
        continue;
      }
      sent += 1;
      const sending = send(due).finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
    await Promise.all(underWay);
    return runOf(latencies, performance.now() - started);
  }

  /** Ends every connection. */
  close(): void {
    this.#stopped = true;
    for (const { beats, polls } of this.#agents) {
      beats?.close();
      polls?.close();
    }
  }

  /** Lets the next agent that has no heartbeat under way send one; waits where there is none. */
  async #beatNext(): Promise<void> {
    for (;;) {
      for (let tried = 0; tried < this.#agents.length; tried += 1) {
        const agent = this.#agents[this.#next];
        this.#next = (this.#next + 1) % this.#agents.length;
        if (agent?.beats?.busy === false) return beat(agent);
      }
      await sleep(1);
    }
  }

  /** Like a real agent: once a poll is answered, the next one. */
  async #poll(connection: KeptConnection): Promise<void> {
    while (!this.#stopped) {
      const status = await connection.request(POLL).catch((error: unknown) => {
        if (this.#stopped) return 204;
        throw error;
      });
      if (status !== 204) throw new Error(`a poll of an idle host was answered ${status}`);
    }
  }
}

async function beat(agent: LoadAgent): Promise<void> {
  const status = await agent.beats?.request(heartbeatOf(agent));
  if (status !== 200) throw new Error(`a heartbeat was answered ${status}`);
}

/** With the time of sending: an older one would tell of a clock that is wrong. */
function heartbeatOf({ hostname, closure }: LoadAgent): string {
  const at = timestampFromMillis(Date.now());
  const body = JSON.stringify({ hostname, rollout_id: null, current_closure: closure, at });
  return `POST /v1/agent/heartbeat HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function runOf(latencies: number[], millis: number): HeartbeatRun {
  latencies.sort((a, b) => a - b);
  return { answered: latencies.length, perSecond: (latencies.length * 1000) / millis, latencies };
}
