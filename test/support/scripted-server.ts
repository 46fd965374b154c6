import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';

/** One request as it came in. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** Answers one request in any way, including not at all. */
export type Answer = (request: SeenRequest, response: ServerResponse) => void;

/** A plain HTTP server that answers as a test says, and remembers what it was asked. */
export class ScriptedServer {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  /** How the next requests are answered; the last one stays. */
  #answers: Answer[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(...answers: Answer[]): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#answers = answers;
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** A kubeconfig that leads here, with this token. */
  config(token = 'secret'): KubeConfig {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = new KubeConfig();
    // client-node allows plain HTTP only where certificates are not checked.
    const cluster = { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
    config.loadFromClusterAndUser(cluster, { name: 'test', token });
    return config;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body: Buffer.concat(chunks).toString(),
    };
    this.requests.push(seen);
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    answer?.(seen, response);
  }
}

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Breaks the connection before an answer. */
export const reset: Answer = (_, response) => {
  response.socket?.resetAndDestroy();
};

/** Never answers. */
export const silence: Answer = () => undefined;
