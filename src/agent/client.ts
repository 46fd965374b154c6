/** The agent's HTTP client: keep-alive over mutual TLS (agent-protocol.md §1.1, §2.3). */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../kube/clock.ts';

/** Where the control plane is and who is calling, all PEM. */
export interface AgentIdentity {
  /** For instance `https://127.0.0.1:8080`. */
  readonly controlPlaneUrl: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** An answer with its whole body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** How a request is bounded. */
export interface Bounds {
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

const BODY_LIMIT = 32 * 1024 * 1024;
/** The long poll, and what runs beside it. */
const SOCKETS = 3;

/** The connections of one host. While it is offline every request fails at once, those under way included. */
export class AgentClient {
  readonly #identity: AgentIdentity;
  readonly #clock: Clock;
  readonly #pending = new Set<(error: Error) => void>();
  #agent: Agent;
  #down: string | undefined;

  constructor(identity: AgentIdentity, clock: Clock) {
    this.#identity = identity;
    this.#clock = clock;
    this.#agent = newAgent(identity);
  }

  /** Rejects where there is no answer in time, or none at all. */
  async get(path: string, bounds: Bounds): Promise<HttpAnswer> {
    return this.#request('GET', path, undefined, bounds);
  }

  /** Sends JSON; rejects as `get` does. */
  async post(path: string, body: unknown, bounds: Bounds): Promise<HttpAnswer> {
    return this.#request('POST', path, JSON.stringify(body), bounds);
  }

  /** Cuts the network, or mends it. */
  setOnline(online: boolean): void {
    if (online) {
      this.#down = undefined;
    } else {
      this.#drop('the network is unreachable');
    }
  }

  /** Ends every connection for good. */
  close(): void {
    this.#drop('the agent has stopped');
  }

  #drop(reason: string): void {
    this.#down = reason;
    for (const fail of this.#pending) fail(new Error(reason));
    this.#agent.destroy();
    this.#agent = newAgent(this.#identity);
  }

  /** A kept connection that the server closes just then is no failure: like real agents' clients, a new one is tried. */
  async #request(
    method: string,
    path: string,
    body: string | undefined,
    bounds: Bounds,
  ): Promise<HttpAnswer> {
    try {
      return await this.#send(method, path, body, bounds);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return this.#send(method, path, body, bounds);
    }
  }

  async #send(method: string, path: string, body: string | undefined, bounds: Bounds): Promise<HttpAnswer> {
    if (this.#down !== undefined) throw new Error(this.#down);
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const headers = body === undefined ? {} : jsonHeaders(body);
    const outgoing = request(new URL(path, this.#identity.controlPlaneUrl), {
      method,
      headers,
      agent: this.#agent,
    });
    const fail = (error: Error): void => {
      reject(error);
      outgoing.destroy();
    };
    const onAbort = (): void => fail(new Error('aborted'));
    const timer = this.#clock.setTimer(bounds.timeout, () => {
      fail(new Error(`${method} ${path}: no answer within ${Math.round(bounds.timeout)} ms`));
    });
    this.#pending.add(fail);
    bounds.signal?.addEventListener('abort', onAbort, { once: true });
    outgoing.on('response', (incoming) => void readAnswer(incoming).then(resolve, reject));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && error.code === 'ECONNRESET';
      const message = `${method} ${path}: ${error.message}`;
      reject(stale ? new StaleConnection(message) : new Error(message));
    });
    if (bounds.signal?.aborted === true) onAbort();
    else outgoing.end(body);
    try {
      return await promise;
    } finally {
      timer.cancel();
      this.#pending.delete(fail);
      bounds.signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** A request went out over a connection that was kept for it and is closed already. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

function newAgent({ caPem, certPem, keyPem }: AgentIdentity): Agent {
  // One context for all connections: reading the CA anew for each costs most of what a connection does.
  const secureContext = createSecureContext({ ca: caPem, cert: certPem, key: keyPem });
  return new Agent({ keepAlive: true, maxSockets: SOCKETS, secureContext });
}

function jsonHeaders(body: string): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}

async function readAnswer(incoming: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) {
      incoming.destroy();
      throw new Error(`an answer is longer than ${BODY_LIMIT} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
}
