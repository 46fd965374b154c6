import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What a Service is in a cluster: one address in front of several operators. It passes bytes through, so TLS still
 * ends in the operator, and goes to the next backend when one does not answer.
 */
export class ServiceProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #ports: readonly number[] = [];
  #next = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on a free loopback port. */
  static async start(): Promise<ServiceProxy> {
    const server = createServer();
    const proxy = new ServiceProxy(server);
    server.on('connection', (client) => proxy.#serve(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  /** Where new connections go, in turn. */
  setBackends(ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(client: Socket): void {
    this.#track(client);
    this.#next += 1;
    const first = this.#next;
    const ports = this.#ports.map((_, index, all) => all[(first + index) % all.length] ?? 0);
    this.#try(client, ports);
  }

  #try(client: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) {
      client.destroy();
      return;
    }
    const backend = connect(port, '127.0.0.1');
    let connected = false;
    this.#track(backend);
    backend.once('connect', () => {
      connected = true;
      client.pipe(backend);
      backend.pipe(client);
    });
    backend.once('close', () => {
      if (connected) client.destroy();
      else this.#try(client, others);
    });
    client.once('close', () => backend.destroy());
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // 'close' follows and says all we need
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
