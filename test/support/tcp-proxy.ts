import { createServer, connect, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/**
 * A TCP proxy in front of a real server, to break connections in the ways networks do. It starts in `pass`.
 *
 * - `pass`: bytes go through.
 * - `mute`: bytes of open connections reach the server, and its answers nobody.
 * - `stall`: bytes of old and new connections go nowhere, and nobody is told (a half-open connection).
 * - `refuse`: nobody listens any more; open connections stay as they are.
 */
export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port = 0;
  #stalled = false;
  /** Connections accepted since the start. */
  accepted = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  /** Listens on a free port of the loopback address and resolves when connections are accepted. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Lets bytes through again; what was held back comes first. Listens again after `refuse`. */
  async pass(): Promise<void> {
    this.#stalled = false;
    for (const pair of this.#pairs) flow(pair);
    if (this.#server === undefined) await this.#listen();
  }

  /** Holds back what the server says on the connections that are open. */
  mute(): void {
    for (const { client, upstream } of this.#pairs) {
      upstream.unpipe(client);
      upstream.pause();
    }
  }

  /** Holds all bytes back silently. */
  stall(): void {
    this.#stalled = true;
    for (const pair of this.#pairs) hold(pair);
  }

  /** Ends every open connection with a TCP reset. */
  reset(): void {
    for (const pair of this.#pairs) {
      pair.client.resetAndDestroy();
      pair.upstream.resetAndDestroy();
    }
  }

  /** Stops listening, so that new connections are refused. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      // `close` waits for open connections, which are not the listener's business here.
      resolve();
    });
  }

  /** Stops everything. */
  async close(): Promise<void> {
    await this.refuse();
    this.reset();
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', () => resolve());
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#server = server;
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const pair: Pair = { client, upstream: connect({ ...this.#target, allowHalfOpen: true }) };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      pair.upstream.destroy();
    };
    for (const socket of [client, pair.upstream]) socket.on('error', end).on('close', end);
    if (this.#stalled) hold(pair);
    else flow(pair);
  }
}

function flow({ client, upstream }: Pair): void {
  client.pipe(upstream);
  upstream.pipe(client);
}

function hold({ client, upstream }: Pair): void {
  client.unpipe(upstream);
  upstream.unpipe(client);
  client.pause();
  upstream.pause();
}
