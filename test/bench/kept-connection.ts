import { once } from 'node:events';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';

/** Where an agent connects to, and as whom. */
export interface Peer {
  readonly port: number;
  /** PEM of the authority of the server's certificate. */
  readonly caPem: string;
  readonly secureContext: SecureContext;
}

const HEADERS_END = '\r\n\r\n';

/**
 * One TLS connection over which requests go one after the other. It costs the measuring process a fraction of what
 * `node:https` does, so that the server is what is measured.
 */
export class KeptConnection {
  readonly #socket: TLSSocket;
  #received = '';
  #waiting: PromiseWithResolvers<number> | undefined;
  #closed: Error | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server has closed a connection')));
  }

  /** Resolves once the handshake is done. */
  static async open(peer: Peer): Promise<KeptConnection> {
    const { port, caPem, secureContext } = peer;
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: caPem,
      secureContext,
    });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    return new KeptConnection(socket);
  }

  /** Whether a request is under way. */
  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  /** Sends a whole request and resolves to the status of its answer; rejects where the connection ends before it. */
  request(bytes: string): Promise<number> {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    this.#waiting = Promise.withResolvers();
    this.#socket.write(bytes, 'latin1');
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf(HEADERS_END);
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + HEADERS_END.length + length) return;
    this.#received = '';
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3)));
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    this.#waiting?.reject(this.#closed);
    this.#waiting = undefined;
  }
}
