import { abortReason } from './clock.ts';
import { dropManagedFields } from './managed-fields.ts';
import { compareVersions, keyOf, type KubeObject, type ObjectKey } from './resource.ts';
import { StoreIndex, type Indexer } from './store-index.ts';

/** What happened to one object of a store. */
export type StoreChange<T extends KubeObject> =
  | { readonly type: 'added'; readonly new: T }
  | { readonly type: 'updated'; readonly old: T; readonly new: T }
  | { readonly type: 'deleted'; readonly old: T };

/** Called for every change, in order. It should only enqueue keys. */
export type StoreHandler<T extends KubeObject> = (change: StoreChange<T>) => void;

/** Read access to cached objects. They are shared: never change one in place. */
export interface StoreReader<T extends KubeObject> {
  readonly size: number;
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  values(): IterableIterator<T>;
  /** Objects to which the index of that name gave that value; throws where there is no such index. */
  byIndex(index: string, value: string): readonly T[];
  readonly synced: boolean;
  /** Resolves when the store has held the whole collection once; rejects with the signal's reason. */
  waitForSync(signal?: AbortSignal): Promise<void>;
  /** Calls the handler for every object now (as `added`), then for every change. Returns the removal. */
  subscribe(handler: StoreHandler<T>): () => void;
}

/** Where the answers of successful writes go. */
export interface WriteSink<T extends KubeObject> {
  /** Replaces the cached object where the answer is newer; whether it did. */
  upsertFromWrite(object: T): boolean;
  /** Takes out an object that a delete of ours has ended. */
  removeFromWrite(key: ObjectKey, uid: string): boolean;
}

/** How a store is set up. */
export interface StoreOptions<T extends KubeObject> {
  /** Name → values under which an object is found. */
  readonly indexers?: Readonly<Record<string, Indexer<T>>>;
  /** Deep-freezes objects on their way in, to find code that changes shared ones (tests). */
  readonly freeze?: boolean;
  /** Told what a handler threw; handlers never break the store. */
  readonly onHandlerError?: (error: unknown) => void;
}

interface Entry<T> {
  readonly object: T;
  readonly version: string;
  readonly uid: string;
  /** Count of own writes when this one came in; 0 where it came from the server's stream. */
  readonly write: number;
}

const MAX_ENDED = 65_536;

/**
 * The cached collection of one kind. Two streams feed it: what the server reports (lists and watches) and the answers
 * of this process's own writes, which are usually ahead of it. Per object the newest resource version wins; an object
 * of another uid under the same name is a delete and an add.
 */
export class Store<T extends KubeObject> implements StoreReader<T>, WriteSink<T> {
  readonly #entries = new Map<ObjectKey, Entry<T>>();
  readonly #indexes = new Map<string, StoreIndex<T>>();
  readonly #handlers = new Set<StoreHandler<T>>();
  readonly #options: StoreOptions<T>;
  /** Uids that a delete of ours ended and whose end the server has not reported yet. */
  readonly #ended = new Set<string>();
  #writes = 0;
  #progress: string | undefined;
  readonly #sync = Promise.withResolvers<void>();
  #synced = false;

  constructor(options: StoreOptions<T> = {}) {
    this.#options = options;
    for (const [name, indexer] of Object.entries(options.indexers ?? {})) {
      this.#indexes.set(name, new StoreIndex(indexer));
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** Up to which resource version the server's stream has been read; absent before the first list. */
  get progress(): string | undefined {
    return this.#progress;
  }

  get(key: ObjectKey): T | undefined {
    return this.#entries.get(key)?.object;
  }

  list(): readonly T[] {
    const objects: T[] = [];
    for (const { object } of this.#entries.values()) objects.push(object);
    return objects;
  }

  *values(): IterableIterator<T> {
    for (const entry of this.#entries.values()) yield entry.object;
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`the store has no index "${index}"`);
    return found.lookup(value);
  }

  subscribe(handler: StoreHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.list()) this.#call(handler, { type: 'added', new: object });
    return () => this.#handlers.delete(handler);
  }

  waitForSync(signal?: AbortSignal): Promise<void> {
    if (signal === undefined || this.#synced) return this.#sync.promise;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(abortReason(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      this.#sync.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  upsertFromWrite(object: T): boolean {
    const version = object.metadata.resourceVersion;
    const uid = object.metadata.uid;
    if (version === undefined || uid === undefined || this.#ended.has(uid)) return false;
    const key = keyOf(object);
    const cached = this.#entries.get(key);
    if (cached !== undefined && compareVersions(version, cached.version) <= 0) return false;
    // The stream has passed this version and the object is not here: it was deleted since.
    if (
      cached === undefined &&
      this.#progress !== undefined &&
      compareVersions(version, this.#progress) <= 0
    ) {
      return false;
    }
    this.#set(key, object, version, uid, ++this.#writes);
    return true;
  }

  removeFromWrite(key: ObjectKey, uid: string): boolean {
    if (this.#ended.size < MAX_ENDED) this.#ended.add(uid);
    const cached = this.#entries.get(key);
    if (cached === undefined || cached.uid !== uid) return false;
    this.#delete(key, cached);
    return true;
  }

  /** Marks the begin of a list: pass the token to `applyList`, which keeps what was written in between. */
  beginList(): number {
    return this.#writes;
  }

  /** Makes the whole collection what a list answered. */
  applyList(items: readonly T[], version: string, token: number): void {
    const listed = new Set<ObjectKey>();
    for (const object of items) {
      const key = keyOf(object);
      listed.add(key);
      this.#applyListed(key, object, token);
    }
    for (const [key, entry] of this.#entries) {
      const writtenAfter = entry.write > token && compareVersions(entry.version, version) > 0;
      if (!listed.has(key) && !writtenAfter) this.#delete(key, entry);
    }
    this.#progress = version;
    this.#ended.clear();
    if (!this.#synced) {
      this.#synced = true;
      this.#sync.resolve();
    }
  }

  /** Applies one event of a watch; an older one than what is cached only moves `progress`. */
  applyEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    const version = object.metadata.resourceVersion ?? '0';
    const uid = object.metadata.uid ?? '';
    const key = keyOf(object);
    this.advance(version);
    if (type === 'DELETED') {
      this.#ended.delete(uid);
      const cached = this.#entries.get(key);
      if (cached?.uid === uid) this.#delete(key, cached);
      return;
    }
    if (this.#ended.has(uid)) return;
    const cached = this.#entries.get(key);
    if (cached === undefined || compareVersions(version, cached.version) > 0) {
      this.#set(key, object, version, uid, 0);
    }
  }

  /** Notes that the server's stream has reached this version (bookmarks). */
  advance(version: string): void {
    if (this.#progress === undefined || compareVersions(version, this.#progress) > 0)
      this.#progress = version;
  }

  #applyListed(key: ObjectKey, object: T, token: number): void {
    const version = object.metadata.resourceVersion ?? '0';
    const uid = object.metadata.uid ?? '';
    const cached = this.#entries.get(key);
    if (cached !== undefined && cached.uid === uid && cached.version === version) return;
    const newerWrite =
      cached !== undefined && cached.write > token && compareVersions(cached.version, version) > 0;
    if (newerWrite || (this.#ended.has(uid) && cached === undefined)) return;
    this.#set(key, object, version, uid, 0);
  }

  #set(key: ObjectKey, object: T, version: string, uid: string, write: number): void {
    dropManagedFields(object);
    if (this.#options.freeze === true) deepFreeze(object);
    const cached = this.#entries.get(key);
    if (cached !== undefined && cached.uid !== uid) this.#delete(key, cached);
    const old = this.#entries.get(key)?.object;
    this.#entries.set(key, { object, version, uid, write });
    for (const index of this.#indexes.values()) index.put(key, object);
    this.#emit(old === undefined ? { type: 'added', new: object } : { type: 'updated', old, new: object });
  }

  #delete(key: ObjectKey, entry: Entry<T>): void {
    this.#entries.delete(key);
    for (const index of this.#indexes.values()) index.remove(key);
    this.#emit({ type: 'deleted', old: entry.object });
  }

  #emit(change: StoreChange<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: StoreHandler<T>, change: StoreChange<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.#options.onHandlerError?.(error);
    }
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
