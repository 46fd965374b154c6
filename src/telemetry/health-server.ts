import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** One thing that must hold; returns why it does not, or undefined where it does. Must be quick and must not throw. */
export interface HealthCheck {
  readonly name: string;
  check(): string | undefined;
}

/** How the health server is set up. */
export interface HealthServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** All interfaces where absent. */
  readonly host?: string;
  /** What only a restart can mend. Never the reachability of the API server. */
  readonly live: readonly HealthCheck[];
  /** What must hold before others may rely on this process; asked on every request. */
  readonly ready: readonly HealthCheck[];
  readonly metrics: Metrics;
}

/** A running health server. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Plain HTTP for the kubelet and Prometheus: `/livez`, `/readyz` and `/metrics`. A failing check answers 503 and names
 * itself and its reason, one a line.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    answer(options, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = 256;
  await listen(server, options.port, options.host);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A check that fails while the event loop's delay is above `limitMs`. */
export function eventLoopCheck(p99Ms: () => number, limitMs = 5_000): HealthCheck {
  return {
    name: 'event-loop',
    check: () =>
      p99Ms() < limitMs ? undefined : `delay is ${Math.round(p99Ms())} ms at the 99th percentile`,
  };
}

/** A check that fails while a worker has held its key for longer than `limitMs`. */
export function stuckWorkerCheck(
  queues: () => Iterable<{ readonly name: string; readonly longestRunningMs: number }>,
  limitMs = 600_000,
): HealthCheck {
  return {
    name: 'workers',
    check() {
      for (const { name, longestRunningMs } of queues()) {
        if (longestRunningMs > limitMs)
          return `${name} has worked on one key for ${Math.round(longestRunningMs)} ms`;
      }
      return undefined;
    },
  };
}

async function answer(
  options: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const path = (request.url ?? '/').split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, 'only GET is served here\n');
  else if (path === '/livez') sendChecks(response, options.live);
  else if (path === '/readyz') sendChecks(response, options.ready);
  else if (path === '/metrics') {
    const { contentType, body } = await options.metrics.render();
    send(response, 200, body, contentType);
  } else send(response, 404, 'not found: /livez, /readyz and /metrics are served here\n');
}

function sendChecks(response: ServerResponse, checks: readonly HealthCheck[]): void {
  const lines: string[] = [];
  let status = 200;
  for (const entry of checks) {
    const { name } = entry;
    const failure = entry.check();
    if (failure !== undefined) status = 503;
    lines.push(failure === undefined ? `[+] ${name} ok\n` : `[-] ${name}: ${failure}\n`);
  }
  send(response, status, lines.length === 0 ? 'ok\n' : lines.join(''));
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
