import type { KubeObject, ObjectRef, Resource, WithStatus } from './resource.ts';

/** What every request accepts. */
export interface RequestOptions {
  /** Ends the request; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Limit of the whole request, retries and waiting included, in milliseconds (30,000). Not used by watches. */
  readonly timeoutMs?: number | undefined;
  /** Called right before a write is sent; a throw stops it. See `gateWrites`. */
  readonly beforeWrite?: (() => void) | undefined;
}

/** Which part of a collection to read. */
export interface ListOptions extends RequestOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per page; the answer's `continue` fetches the next one. */
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  /** `'0'` answers from the server's cache; absent is the newest state. */
  readonly resourceVersion?: string | undefined;
}

/** One page of a collection. */
export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string | undefined;
}

/** Where a watch starts and when the server shall end it. */
export interface WatchOptions extends RequestOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

/** One line of a watch. `BOOKMARK` carries only a resource version, `ERROR` a `Status`. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: unknown };

/** Conditions under which a delete may happen. */
export interface DeleteOptions extends RequestOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Whether the object is gone, or stays with a deletion timestamp until its finalizers are done. */
export type DeleteResult<T extends KubeObject> =
  { readonly gone: true } | { readonly gone: false; readonly object: T };

/**
 * Raw JSON access to the API server. Every method rejects with `KubeError`, with the reason of an aborted signal, or
 * with what `beforeWrite` threw. Only reads are retried (429, 5xx, broken connections).
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: RequestOptions): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>;
  /** PUT of the whole object; it must carry the resource version it was computed from. */
  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>;
  /** PUT of `/status`; only identity, resource version and status are sent. */
  replaceStatus<T extends WithStatus>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>;
  /** JSON merge patch; for fields that have one owner. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: object,
    options?: RequestOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<DeleteResult<T>>;
  /** Resolves when the server has answered 200; the iteration ends when it closes, and throws when it breaks. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent<T>>>;
  /** Closes all connections. */
  close(): Promise<void>;
}

/**
 * The same client with a check before every write, for the writes of a leader: `check` throws when the Lease may have
 * been taken over, and is called after any waiting, right before the bytes go out.
 */
export function gateWrites(client: KubeClient, check: () => void): KubeClient {
  const checked = (options: RequestOptions | undefined): { readonly beforeWrite: () => void } => ({
    beforeWrite: () => {
      check();
      options?.beforeWrite?.();
    },
  });
  return clientWith(client, {
    create: (resource, object, options) =>
      client.create(resource, object, { ...options, ...checked(options) }),
    replace: (resource, object, options) =>
      client.replace(resource, object, { ...options, ...checked(options) }),
    replaceStatus: (resource, object, options) =>
      client.replaceStatus(resource, object, { ...options, ...checked(options) }),
    mergePatch: (resource, ref, patch, options) =>
      client.mergePatch(resource, ref, patch, { ...options, ...checked(options) }),
    delete: (resource, ref, options) => client.delete(resource, ref, { ...options, ...checked(options) }),
  });
}

/** The same client but for some of its methods. */
export function clientWith(client: KubeClient, others: Partial<KubeClient>): KubeClient {
  return {
    get: (resource, ref, options) => client.get(resource, ref, options),
    list: (resource, options) => client.list(resource, options),
    watch: (resource, options) => client.watch(resource, options),
    create: (resource, object, options) => client.create(resource, object, options),
    replace: (resource, object, options) => client.replace(resource, object, options),
    replaceStatus: (resource, object, options) => client.replaceStatus(resource, object, options),
    mergePatch: (resource, ref, patch, options) => client.mergePatch(resource, ref, patch, options),
    delete: (resource, ref, options) => client.delete(resource, ref, options),
    close: () => client.close(),
    ...others,
  };
}
