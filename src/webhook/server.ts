import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import { TokenBucket } from '../kube/token-bucket.ts';
import { HandshakeGate } from './handshake-gate.ts';
import type { LimitFlag, LimitLog } from './limit-log.ts';
import { judgePeer, type Peer } from './peer.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

/** The server's certificate and whom it trusts as clients; all PEM. */
export interface AgentTls {
  readonly cert: string;
  readonly key: string;
  /** The authorities that sign agents' certificates. */
  readonly clientCa: string;
}

/** What the listener needs. */
export interface AgentServerOptions {
  readonly tls: AgentTls;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WebhookMetrics;
  readonly limitLog: LimitLog;
  readonly maxConnections: number;
  readonly handshakesPerSecond: number;
  /** Must not throw. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, connection: Connection) => void;
}

/** What is known of the connection that a request came over. */
export interface Connection {
  /** Undefined where no certificate was presented. */
  readonly peer: Peer | undefined;
  /** Whether it is to be closed after this answer: nobody is known by it, whom we trust has changed, or we stop. */
  outdated(): boolean;
}

interface PeerEntry {
  readonly peer: Peer | undefined;
  readonly generation: number;
}

const SECOND = 1000;
/** Long enough for a heartbeat a minute to come over one connection. */
const KEEP_ALIVE_MS = 100 * SECOND;
const MAX_HEADER_BYTES = 16 * 1024;
/** Longer than a poll is held; a peer that neither reads nor writes for so long is gone. */
const SILENCE_MS = 120 * SECOND;
const DRAIN_MS = 5 * SECOND;
/** Refused certificates that are logged; all of them are counted. */
const LOGGED = { perSecond: 1, burst: 20 };
/** Of all connections, the share that those without a certificate may have: they are never the reason that a host has none. */
const ANONYMOUS_SHARE = 1 / 16;

/**
 * The TLS listener for agents: HTTP/1.1, TLS 1.2 or newer, client certificate optional. A presented certificate that is
 * not valid ends the connection before a byte of HTTP is read.
 */
export class AgentServer {
  readonly #server: Server;
  readonly #options: AgentServerOptions;
  readonly #gate: HandshakeGate;
  readonly #peers = new WeakMap<Socket, PeerEntry>();
  #clientCa: string;
  #generation = 0;
  #anonymous = 0;
  readonly #logged: TokenBucket;

  constructor(options: AgentServerOptions) {
    this.#options = options;
    this.#clientCa = options.tls.clientCa;
    this.#logged = new TokenBucket(LOGGED, options.clock);
    this.#gate = new HandshakeGate(options.handshakesPerSecond, options.clock, (socket) =>
      this.#refused('handshakes-per-second', socket.remoteAddress),
    );
    this.#server = createServer({
      ...contextOptions(options.tls),
      requestCert: true,
      // Node cannot tell "none" from "invalid" by itself; `#judge` ends the invalid ones.
      rejectUnauthorized: false,
      handshakeTimeout: 10 * SECOND,
      headersTimeout: 10 * SECOND,
      requestTimeout: 30 * SECOND,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5 * SECOND,
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
    });
    this.#server.maxConnections = options.maxConnections;
    this.#server.maxHeadersCount = 100;
    this.#server.timeout = SILENCE_MS;
    this.#listenToConnections();
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
  }

  /** Where it listens; undefined before `listen` and after `close`. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.#server.address();
    return address === null || typeof address === 'string'
      ? undefined
      : { host: address.address, port: address.port };
  }

  /** Resolves once connections are accepted; rejects where the port cannot be bound. */
  async listen(port: number, host: string): Promise<void> {
    this.#server.listen({ port, host, backlog: 4096 });
    await once(this.#server, 'listening');
  }

  /** Takes new certificates for new connections. Held polls stay; where the authorities changed, for one answer. */
  updateTls(tls: AgentTls): void {
    this.#server.setSecureContext(contextOptions(tls));
    if (tls.clientCa === this.#clientCa) return;
    this.#clientCa = tls.clientCa;
    this.#generation += 1;
  }

  /** Accepts nothing more, lets running requests end for five seconds, then closes every connection. */
  async close(): Promise<void> {
    this.#gate.close();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    const timer = this.#options.clock.setTimer(DRAIN_MS, () => this.#server.closeAllConnections());
    await closed;
    timer.cancel();
  }

  #listenToConnections(): void {
    const server = this.#server;
    const { metrics } = this.#options;
    const handshakes = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const start = (): void => {
        for (const handshake of handshakes) Reflect.apply(handshake, server, [socket]);
      };
      if (this.#gate.admit(socket, start)) return;
      this.#refused('handshakes-per-second', socket.remoteAddress);
      socket.destroy();
    });
    server.prependListener('secureConnection', (socket) => this.#judge(socket));
    server.on('drop', (dropped) => this.#refused('max-connections', dropped?.remoteAddress));
    server.on('tlsClientError', (error, socket) => {
      metrics.connectionRefused('handshake');
      this.#options.logger.debug({ err: error }, 'a TLS handshake failed');
      socket.destroy();
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      metrics.connectionRefused('bad-request');
      if (socket.writable && error.code !== 'ECONNRESET') socket.end(refusalOf(error.code));
      else socket.destroy();
    });
  }

  #judge(socket: TLSSocket): void {
    const { clock, metrics, logger } = this.#options;
    const verdict = judgePeer(socket, clock.now());
    if (verdict.kind === 'refused') {
      metrics.connectionRefused('certificate');
      if (this.#logged.tryTake())
        logger.info({ why: verdict.why, from: socket.remoteAddress }, 'a client certificate was refused');
      socket.destroy();
      return;
    }
    const peer = verdict.kind === 'peer' ? verdict.peer : undefined;
    if (peer === undefined && !this.#admitAnonymous(socket)) return;
    this.#peers.set(socket, { peer, generation: this.#generation });
  }

  #refused(flag: Extract<LimitFlag, 'max-connections' | 'handshakes-per-second'>, from?: string): void {
    this.#options.metrics.connectionRefused(flag === 'max-connections' ? 'too-many' : 'too-many-handshakes');
    this.#options.limitLog.refused(flag, from);
  }

  #admitAnonymous(socket: TLSSocket): boolean {
    if (this.#anonymous >= this.#options.maxConnections * ANONYMOUS_SHARE) {
      this.#refused('max-connections', socket.remoteAddress);
      socket.destroy();
      return false;
    }
    this.#anonymous += 1;
    socket.once('close', () => {
      this.#anonymous -= 1;
    });
    return true;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const entry = this.#peers.get(request.socket);
    if (entry === undefined) {
      request.socket.destroy();
      return;
    }
    // Who has no certificate asks once in a long while; a connection that stays would only take room.
    const outdated = (): boolean =>
      entry.peer === undefined || entry.generation !== this.#generation || !this.#server.listening;
    this.#options.onRequest(request, response, { peer: entry.peer, outdated });
  }
}

function contextOptions({ cert, key, clientCa }: AgentTls) {
  // Without a list of its own, Node would trust every public authority.
  if (!clientCa.includes('-----BEGIN')) {
    throw new Error(
      'the client CA bundle holds no PEM certificate: give the CA that signs agent certificates',
    );
  }
  return { cert, key, ca: clientCa, minVersion: 'TLSv1.2' } as const;
}

function refusalOf(code: string | undefined): string {
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}
