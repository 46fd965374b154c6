import { abortReason } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { ObjectList, WatchEvent } from '../../src/kube/kube-client.ts';
import type { ListPage, ListWatch } from '../../src/kube/list-watch.ts';
import { keyOfRef, type KubeObject } from '../../src/kube/resource.ts';

interface Change {
  readonly version: number;
  readonly event: WatchEvent<KubeObject>;
}

interface OpenWatch {
  /** Versions up to this one were handed over. */
  position: number;
  /** What the watch does next instead of waiting for changes. */
  end: (() => void) | undefined;
  readonly extra: WatchEvent<KubeObject>[];
  wake: () => void;
}

/** Delays an answer; tests put a scheduler here to try all orders. */
export type Delay = (label: string) => Promise<void>;

/**
 * A collection that behaves as the API server's does: versions that grow, watches that replay history, history that is
 * compacted, lists in pages; and that can be broken in every way a test asks for.
 */
export class ScriptedCollection implements ListWatch<KubeObject> {
  readonly name = 'things';
  readonly #delay: Delay;
  readonly #objects = new Map<string, KubeObject>();
  readonly #watches = new Set<OpenWatch>();
  #history: Change[] = [];
  #version = 0;
  /** Watches from before this version are refused. */
  #floor = 0;
  #uids = 0;
  /** Objects per page at most; servers may send fewer than asked for. */
  pageSize = 2;
  readonly #pages = new Map<string, { readonly all: ObjectList<KubeObject>; readonly next: number }>();
  #tokens = 0;
  /** How many of the next lists fail. */
  failingLists = 0;

  constructor(delay: Delay, firstVersion = 100) {
    this.#delay = delay;
    this.#version = firstVersion;
    this.#floor = firstVersion;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** `key uid version` of every object. */
  contents(): string[] {
    return describeObjects(this.#objects.values());
  }

  /** Creates or changes an object and returns it as the answer of that write. */
  put(name: string): KubeObject {
    const key = keyOfRef({ namespace: 'ns', name });
    const before = this.#objects.get(key);
    const version = ++this.#version;
    const uid = before?.metadata.uid ?? `uid-${++this.#uids}`;
    const object: KubeObject = { metadata: { name, namespace: 'ns', uid, resourceVersion: String(version) } };
    this.#objects.set(key, object);
    this.#publish({ version, event: { type: before === undefined ? 'ADDED' : 'MODIFIED', object } });
    return structuredClone(object);
  }

  /** Deletes an object, if it is there. */
  remove(name: string): KubeObject | undefined {
    const key = keyOfRef({ namespace: 'ns', name });
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    const version = ++this.#version;
    this.#objects.delete(key);
    const object = { metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#publish({ version, event: { type: 'DELETED', object } });
    return before;
  }

  /** Ends all watches as a server does whose time is up. */
  closeWatches(): void {
    this.#endAll(() => undefined);
  }

  /** Breaks all watches as a TCP reset does. */
  resetWatches(): void {
    this.#endAll(() => {
      throw new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'reset', code: 'ECONNRESET' });
    });
  }

  /** Sends an in-band ERROR with that code on all watches. */
  sendError(code: number): void {
    const object = { kind: 'Status', code, reason: code === 410 ? 'Expired' : 'InternalError' };
    for (const watch of this.#watches) {
      watch.extra.push({ type: 'ERROR', object });
      watch.wake();
    }
  }

  /** Sends a bookmark of the present on all watches that are up to date. */
  bookmark(): void {
    for (const watch of this.#watches) {
      if (watch.position !== this.#version) continue;
      const object = { metadata: { name: '', resourceVersion: String(this.#version) } };
      watch.extra.push({ type: 'BOOKMARK', object });
      watch.wake();
    }
  }

  /** Forgets history; the version moves on as it does when other kinds are written. */
  compact(): void {
    this.#version += 1;
    this.#floor = this.#version;
    this.#history = [];
  }

  /** Loses everything and begins a new history at version 1, which is at `version` when this process looks again. */
  wipe(version = 1): void {
    this.#objects.clear();
    this.#history = [];
    this.#pages.clear();
    this.#version = version;
    this.#floor = 1;
    this.resetWatches();
  }

  async list(page: ListPage, signal: AbortSignal): Promise<ObjectList<KubeObject>> {
    await this.#delay('list');
    if (signal.aborted) throw abortReason(signal);
    if (this.failingLists > 0) {
      this.failingLists -= 1;
      throw new KubeError({ status: 503, reason: 'ServiceUnavailable', message: 'not now' });
    }
    const all = this.#snapshot();
    await this.#delay('list answer');
    return page.limit === undefined
      ? all
      : this.#page(all, Math.min(page.limit, this.pageSize), page.continue);
  }

  /** One page of what was there when the first page was read; later pages end with the history they are from. */
  #page(now: ObjectList<KubeObject>, size: number, token: string | undefined): ObjectList<KubeObject> {
    const pages = token === undefined ? { all: now, next: 0 } : this.#pages.get(token);
    if (pages === undefined || Number(pages.all.resourceVersion) < this.#floor) {
      throw new KubeError({ status: 410, reason: 'Expired', message: 'the pages are too old' });
    }
    const end = pages.next + size;
    const items = pages.all.items.slice(pages.next, end);
    const { resourceVersion } = pages.all;
    if (end >= pages.all.items.length) return { items, resourceVersion };
    const more = `page-${++this.#tokens}`;
    this.#pages.set(more, { all: pages.all, next: end });
    return { items, resourceVersion, continue: more };
  }

  async watch(
    from: { readonly resourceVersion: string },
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent<KubeObject>>> {
    await this.#delay('watch');
    if (signal.aborted) throw abortReason(signal);
    const position = Number(from.resourceVersion);
    if (position < this.#floor) throw new KubeError({ status: 410, reason: 'Expired', message: 'too old' });
    return this.#events({ position, end: undefined, extra: [], wake: () => undefined }, signal);
  }

  async *#events(watch: OpenWatch, signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>> {
    this.#watches.add(watch);
    const onAbort = (): void => watch.wake();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        if (signal.aborted) throw abortReason(signal);
        const next = this.#history.find(({ version }) => version > watch.position);
        const extra = watch.extra[0];
        if (watch.end !== undefined) return watch.end();
        if (next !== undefined) {
          watch.position = next.version;
          await this.#delay(`event ${next.version}`);
          yield structuredClone(next.event);
        } else if (extra !== undefined) {
          watch.extra.shift();
          yield extra;
        } else {
          await new Promise<void>((resolve) => {
            watch.wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#watches.delete(watch);
    }
  }

  #snapshot(): ObjectList<KubeObject> {
    return { items: structuredClone([...this.#objects.values()]), resourceVersion: String(this.#version) };
  }

  #publish(change: Change): void {
    this.#history.push(change);
    for (const watch of this.#watches) watch.wake();
  }

  #endAll(end: () => void): void {
    for (const watch of this.#watches) {
      watch.end = end;
      watch.wake();
    }
  }
}

/** `key uid version` of objects, sorted. */
export function describeObjects(objects: Iterable<KubeObject>): string[] {
  return [...objects]
    .map(({ metadata }) => `${keyOfRef(metadata)} ${metadata.uid} ${metadata.resourceVersion}`)
    .toSorted();
}
