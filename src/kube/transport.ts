import type { KubeConfig } from '@kubernetes/client-node';
import { Pool, type Dispatcher } from 'undici';
import { abortReason, type Clock } from './clock.ts';
import { readCredentials, sameTls, type Credentials } from './credentials.ts';
import { errorOfAnswer, KubeError } from './errors.ts';
import { splitLines } from './lines.ts';

/** One HTTP request to the API server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** What the answer shall be; JSON of the whole object where absent. */
  readonly accept?: string | undefined;
  readonly signal: AbortSignal;
}

/** An answer of any status, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

/** How bytes reach the API server. Rejects with `KubeError` or the signal's reason. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Resolves on a 200 and yields the body line by line; any other status rejects. */
  stream(request: HttpRequest): Promise<AsyncIterable<string>>;
  /** Tells that a request timed out: its connections may be dead without knowing it. */
  suspect(): void;
  close(): Promise<void>;
}

/** How the pooled transport is set up. */
export interface TransportOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  /** Connections for requests (16); each watch has one of its own. */
  readonly connections?: number;
}

interface Connections {
  readonly credentials: Credentials;
  readonly readAt: number;
  readonly requests: Pool;
  readonly watches: Pool;
}

/** Tokens are read anew this often; Kubernetes renews them long before they end. */
const CREDENTIALS_MS = 60_000;
/** Refused credentials and suspected connections are acted on no more often than this. */
const RENEW_MS = 5_000;

/**
 * HTTP/1.1 over kept-alive connections: one pool for requests, one for watches. client-node opens a connection per
 * request (field-notes.md §2.2), so only its reading of kubeconfigs is used.
 */
export class PooledTransport implements Transport {
  readonly #options: TransportOptions;
  #current: Connections | undefined;
  #reading: Promise<Connections> | undefined;
  #replacedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const connections = await this.#connections();
    const answer = await sendThrough(connections, request);
    if (answer.status !== 401 || !this.#expire(connections)) return answer;
    // A 401 was not acted on, so that every method may be sent again with fresh credentials.
    return sendThrough(await this.#connections(), request);
  }

  async stream(request: HttpRequest): Promise<AsyncIterable<string>> {
    const connections = await this.#connections();
    try {
      const { signal } = request;
      const answer = await orAbort(
        connections.watches.request(dispatchOf(request, connections.credentials)),
        signal,
      );
      if (answer.statusCode === 200) return readLines(answer.body, signal);
      if (answer.statusCode === 401) this.#expire(connections);
      throw errorOfAnswer(answer.statusCode, await answer.body.text(), retryAfterOf(answer.headers));
    } catch (error) {
      throw errorOfFailure(error, request.signal);
    }
  }

  suspect(): void {
    const now = this.#options.clock.monotonicMillis();
    const before = this.#current;
    if (before === undefined || now - this.#replacedAt < RENEW_MS) return;
    this.#replacedAt = now;
    this.#current = { ...before, requests: this.#requestPool(before.credentials) };
    retire(before.requests);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading?.catch(() => undefined);
    await Promise.all([this.#current?.requests.destroy(), this.#current?.watches.destroy()]);
  }

  /** One reading at a time, so that two first calls do not build two pools. */
  async #connections(): Promise<Connections> {
    if (this.#closed) throw new KubeError({ status: 0, reason: 'Closed', message: 'the client is closed' });
    const current = this.#current;
    const age = this.#options.clock.monotonicMillis() - (current?.readAt ?? 0);
    if (current !== undefined && age < CREDENTIALS_MS) return current;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<Connections> {
    const { config, clock } = this.#options;
    const readAt = clock.monotonicMillis();
    const credentials = await readCredentials(config).catch((error: unknown) => this.#keepOr(error));
    const before = this.#current;
    const keep = before !== undefined && sameTls(before.credentials.tls, credentials.tls);
    this.#current = keep
      ? { ...before, credentials, readAt }
      : { credentials, readAt, requests: this.#requestPool(credentials), watches: poolOf(credentials, null) };
    if (before !== undefined && !keep) {
      retire(before.requests);
      retire(before.watches);
    }
    return this.#current;
  }

  /** A credential file that is being replaced must not stop a client whose last token is still good. */
  #keepOr(cause: unknown): Credentials {
    if (this.#current !== undefined) return this.#current.credentials;
    const message = 'the credentials for the API server cannot be read: check the kubeconfig and its files';
    throw new KubeError({ status: 0, reason: 'CredentialsFailed', message, cause });
  }

  /** Lets the next request read credentials anew; false where those that were refused are fresh. */
  #expire(used: Connections): boolean {
    const current = this.#current;
    if (current === undefined || current.credentials !== used.credentials) return true;
    if (this.#options.clock.monotonicMillis() - current.readAt < RENEW_MS) return false;
    this.#current = { ...current, readAt: Number.NEGATIVE_INFINITY };
    return true;
  }

  #requestPool(credentials: Credentials): Pool {
    return poolOf(credentials, this.#options.connections ?? 16);
  }
}

/**
 * Ends the wait as soon as the signal aborts. undici looks at the signal only once a connection takes the request (it
 * is not sent then), which behind dead or opening connections can be long after a deadline.
 */
function orAbort<A>(request: Promise<A>, signal: AbortSignal): Promise<A> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    request.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function sendThrough(connections: Connections, request: HttpRequest): Promise<HttpAnswer> {
  try {
    const dispatch = dispatchOf(request, connections.credentials);
    const answer = await orAbort(connections.requests.request(dispatch), request.signal);
    const text = await answer.body.text();
    return { status: answer.statusCode, text, retryAfterMs: retryAfterOf(answer.headers) };
  } catch (error) {
    throw errorOfFailure(error, request.signal);
  }
}

function poolOf({ server, tls }: Credentials, connections: number | null): Pool {
  return new Pool(server.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 30_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 },
  });
}

/** Lets running requests end, then closes their connections. */
function retire(pool: Pool): void {
  pool.close().catch(() => undefined);
}

function dispatchOf(
  request: HttpRequest,
  credentials: Credentials,
): Dispatcher.RequestOptions & { path: string; method: HttpRequest['method'] } {
  const prefix = credentials.server.pathname === '/' ? '' : credentials.server.pathname.replace(/\/$/, '');
  return {
    method: request.method,
    path: `${prefix}${request.path}`,
    headers: {
      ...credentials.headers,
      accept: request.accept ?? 'application/json',
      'user-agent': 'nixfleet-operator',
      ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
    },
    body: request.body ?? null,
    signal: request.signal,
  };
}

async function* readLines(body: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<string> {
  try {
    yield* splitLines(body);
  } catch (error) {
    throw errorOfFailure(error, signal);
  }
}

function errorOfFailure(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return abortReason(signal);
  if (error instanceof KubeError) return error;
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return new KubeError({
    status: 0,
    reason: 'ConnectionFailed',
    message: `no answer from the API server${code === undefined ? '' : `: ${code}`}`,
    code,
    cause: error,
  });
}

function retryAfterOf(headers: Record<string, string | string[] | undefined>): number | undefined {
  const value = headers['retry-after'];
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}
