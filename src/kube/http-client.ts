import { BackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { errorOfAnswer, KubeError } from './errors.ts';
import type {
  DeleteOptions,
  DeleteResult,
  KubeClient,
  ListOptions,
  ObjectList,
  RequestOptions,
  WatchEvent,
  WatchOptions,
} from './kube-client.ts';
import {
  apiVersionOf,
  pathOf,
  type KubeObject,
  type ObjectRef,
  type Resource,
  type WithStatus,
} from './resource.ts';
import { observeRequest } from './observe-request.ts';
import { noMetrics, type RuntimeMetrics } from './runtime-metrics.ts';
import { openTimedScope } from './scope.ts';
import type { Tracer } from './tracer.ts';
import { TokenBucket, type RateLimit } from './token-bucket.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** How a client is set up. */
export interface HttpClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly metrics?: RuntimeMetrics;
  readonly tracer?: Tracer | undefined;
  /** The client's own limit on requests (watches excepted); none where absent. */
  readonly limit?: RateLimit;
}

interface Call {
  /** As metrics name it: `get`, `list`, `create`, `update`, `update-status`, … */
  readonly verb: string;
  readonly resource: Resource;
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string | undefined;
}

const DEADLINE_MS = 30_000;
const READ_ATTEMPTS = 4;
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** `KubeClient` over a transport: paths, deadline, retries of reads, the client's own rate limit, metrics. */
export class HttpKubeClient implements KubeClient {
  readonly #options: HttpClientOptions;
  readonly #metrics: RuntimeMetrics;
  readonly #bucket: TokenBucket | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? noMetrics;
    this.#bucket = options.limit && new TokenBucket(options.limit, options.clock);
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: RequestOptions): Promise<T> {
    return this.#read<T>({ verb: 'get', resource, method: 'GET', path: pathOf(resource, ref) }, options);
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion } = options;
    const query = queryOf({
      labelSelector,
      fieldSelector,
      limit,
      resourceVersion,
      continue: options.continue,
    });
    const path = pathOf(resource, { namespace }) + query;
    const accept = acceptOf(resource, 'PartialObjectMetadataList');
    const call: Call = { verb: 'list', resource, method: 'GET', path, accept };
    const answer = await this.#read<RawList<T>>(call, options);
    const next = answer.metadata?.continue;
    return {
      items: answer.items ?? [],
      resourceVersion: answer.metadata?.resourceVersion ?? '0',
      ...(next !== undefined && next !== '' && { continue: next }),
    };
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    const path = pathOf(resource, { namespace: object.metadata.namespace });
    return this.#write<T>(
      { verb: 'create', resource, method: 'POST', path, body: typed(resource, object) },
      options,
    );
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    const path = pathOf(resource, object.metadata);
    return this.#write<T>(
      { verb: 'update', resource, method: 'PUT', path, body: typed(resource, object) },
      options,
    );
  }

  replaceStatus<T extends WithStatus>(
    resource: Resource<T>,
    object: T,
    options?: RequestOptions,
  ): Promise<T> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const path = pathOf(resource, { name, namespace, subresource: 'status' });
    // The API server takes nothing else from a PUT of /status, and specs can be large.
    const body = typed(resource, {
      metadata: { name, namespace, uid, resourceVersion },
      status: object.status,
    });
    return this.#write<T>({ verb: 'update-status', resource, method: 'PUT', path, body }, options);
  }

  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: object,
    options?: RequestOptions & { readonly subresource?: 'status' },
  ): Promise<T> {
    const subresource = options?.subresource;
    const path = pathOf(resource, { ...ref, ...(subresource && { subresource }) });
    const contentType = 'application/merge-patch+json';
    return this.#write<T>(
      { verb: 'patch', resource, method: 'PATCH', path, body: patch, contentType },
      options,
    );
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<DeleteResult<T>> {
    const { uid, resourceVersion } = options;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid, resourceVersion } };
    const call: Call = { verb: 'delete', resource, method: 'DELETE', path: pathOf(resource, ref), body };
    const answer = await this.#write<T>(call, options);
    const stays = answer.kind !== 'Status' && (answer.metadata.finalizers?.length ?? 0) > 0;
    return stays ? { gone: false, object: answer } : { gone: true };
  }

  async watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent<T>>> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal } = options;
    const query = { labelSelector, fieldSelector, resourceVersion, timeoutSeconds };
    const path =
      pathOf(resource, { namespace }) + queryOf({ ...query, watch: 1, allowWatchBookmarks: 'true' });
    const accept = acceptOf(resource, 'PartialObjectMetadata');
    const request: HttpRequest = {
      method: 'GET',
      path,
      accept,
      signal: signal ?? new AbortController().signal,
    };
    const lines = await observeRequest(this.#options, { verb: 'watch', resource, path }, () =>
      this.#options.transport.stream(request),
    );
    return eventsOf<T>(lines);
  }

  close(): Promise<void> {
    return this.#options.transport.close();
  }

  async #read<R>(call: Call, options: RequestOptions | undefined): Promise<R> {
    const { clock, random } = this.#options;
    const backOff = new BackOff(100, 2_000, random);
    return this.#withDeadline(options, async (signal) => {
      for (;;) {
        try {
          return await this.#attempt<R>(call, signal, undefined);
        } catch (error) {
          const wait = waitBeforeRetry(error, backOff);
          if (wait === undefined) throw error;
          await clock.sleep(wait, signal);
        }
      }
    });
  }

  #write<R>(call: Call, options: RequestOptions | undefined): Promise<R> {
    return this.#withDeadline(options, (signal) => this.#attempt<R>(call, signal, options?.beforeWrite));
  }

  async #attempt<R>(call: Call, signal: AbortSignal, beforeSend: (() => void) | undefined): Promise<R> {
    await this.#waitForToken(signal);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const { method, path, contentType, accept } = call;
    beforeSend?.();
    const answer = await observeRequest(this.#options, call, async () => {
      const sent = await this.#options.transport.send({ method, path, body, contentType, accept, signal });
      if (sent.status >= 300) throw errorOfAnswer(sent.status, sent.text, sent.retryAfterMs);
      return sent;
    });
    return orBadAnswer((): R => JSON.parse(answer.text));
  }

  async #waitForToken(signal: AbortSignal): Promise<void> {
    const wait = this.#bucket?.reserve() ?? 0;
    if (wait <= 0) return;
    this.#metrics.rateLimited(wait / 1000);
    await this.#options.clock.sleep(wait, signal);
  }

  async #withDeadline<R>(
    options: RequestOptions | undefined,
    run: (signal: AbortSignal) => Promise<R>,
  ): Promise<R> {
    const scope = openTimedScope(
      this.#options.clock,
      options?.signal,
      options?.timeoutMs ?? DEADLINE_MS,
      () => {
        this.#options.transport.suspect();
        return new KubeError({
          status: 0,
          reason: 'Timeout',
          message: 'the API server did not answer in time',
        });
      },
    );
    try {
      scope.signal.throwIfAborted();
      return await run(scope.signal);
    } finally {
      scope.end();
    }
  }
}

interface RawList<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** How long to wait before the same read is tried again; undefined where it must not or need not be. */
function waitBeforeRetry(error: unknown, backOff: BackOff): number | undefined {
  if (!(error instanceof KubeError) || backOff.failures + 1 >= READ_ATTEMPTS) return undefined;
  const again = error.status === 429 || error.status >= 500 || BROKEN.has(error.code ?? '');
  return again ? Math.max(backOff.next(), error.retryAfterMs ?? 0) : undefined;
}

function acceptOf({ metadataOnly }: Resource, as: string): string | undefined {
  return metadataOnly === true ? `application/json;as=${as};g=meta.k8s.io;v=v1` : undefined;
}

function typed(resource: Resource, object: object): object {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}

async function* eventsOf<T extends KubeObject>(lines: AsyncIterable<string>): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines) yield orBadAnswer((): WatchEvent<T> => JSON.parse(line));
}

function orBadAnswer<R>(parse: () => R): R {
  try {
    return parse();
  } catch (error) {
    throw new KubeError({
      status: 0,
      reason: 'BadAnswer',
      message: 'the answer of the API server is not JSON',
      cause: error,
    });
  }
}
