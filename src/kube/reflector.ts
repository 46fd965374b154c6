import { BackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { errorOfStatus, isExpired, KubeError } from './errors.ts';
import type { ObjectList, WatchEvent } from './kube-client.ts';
import type { ListWatch } from './list-watch.ts';
import type { Logger } from './logger.ts';
import { dropManagedFields } from './managed-fields.ts';
import { compareVersions, keyOf, type KubeObject, type ObjectMeta } from './resource.ts';
import { noMetrics, type RelistReason, type RuntimeMetrics } from './runtime-metrics.ts';
import type { Store } from './store.ts';
import { openWatchScope } from './watch-scope.ts';

/** How a reflector is set up. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly source: ListWatch<T>;
  readonly store: Store<T>;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  /** A watch without any line for so many milliseconds is cut (90,000; bookmarks come every minute). */
  readonly idleMs?: number;
  /** Limit of the probe before a reconnect (10,000); short, because connections that died silently show there. */
  readonly probeMs?: number;
}

const PAGE = 500;
/** A watch that lasted longer than this was healthy: the next one starts at once. */
const HEALTHY_MS = 1000;
/** Failures in a row, with a server that answers, after which the collection is read again. */
const GIVE_UP = 5;
/** Failures in a row from which on each is worth a warning. */
const LOUD = 4;

/** The server's history no longer contains, or contradicts, what the store holds. */
class RelistNeeded extends Error {
  override readonly name = 'RelistNeeded';
  readonly reason: RelistReason;

  constructor(reason: RelistReason) {
    super(`the collection must be read again: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Keeps a store equal to a collection on the server: list once, then watch from there for ever. Reads the collection
 * again only when the server has forgotten where the watch was (410), or when its history is another one (an etcd that
 * was wiped or restored), which a cheap probe before every reconnect finds out.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #metrics: RuntimeMetrics;
  readonly #backOff: BackOff;
  #relist: RelistReason | undefined = 'start';
  #refusals = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#metrics = options.metrics ?? noMetrics;
    this.#backOff = new BackOff(200, 5_000, options.random);
  }

  /** Follows the collection until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let wait: number;
      try {
        wait = await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        wait = this.#waitAfter(error);
      }
      if (wait > 0) await this.#options.clock.sleep(wait, signal).catch(() => undefined);
    }
  }

  /** List or probe, then one watch to its end; how long to wait before the next. */
  async #follow(signal: AbortSignal): Promise<number> {
    if (this.#relist === undefined) await this.#probe(signal);
    else await this.#list(this.#relist, signal);
    const healthy = await this.#watch(signal);
    this.#metrics.watchEnded(this.#options.source.name, 'closed');
    return healthy ? 0 : this.#backOff.next();
  }

  async #list(reason: RelistReason, signal: AbortSignal): Promise<void> {
    const { source, store } = this.#options;
    this.#metrics.relisted(source.name, reason);
    const token = store.beginList();
    const list = await this.#listInPages(signal);
    store.applyList(list.items, list.resourceVersion, token);
    this.#relist = undefined;
  }

  /**
   * Reads the newest state page by page. One answer with everything (`resourceVersion=0` has no pages) would take, for
   * as long as it is read, several times the memory of what is kept of it, and a process never gives that back.
   */
  async #listInPages(signal: AbortSignal): Promise<ObjectList<T>> {
    const { source } = this.#options;
    const items: T[] = [];
    const keep = (page: ObjectList<T>): void => {
      page.items.forEach(dropManagedFields);
      items.push(...page.items);
    };
    let page = await source.list({ limit: PAGE }, signal);
    keep(page);
    try {
      while (page.continue !== undefined) {
        page = await source.list({ limit: PAGE, continue: page.continue }, signal);
        keep(page);
      }
    } catch (error) {
      // The pages outlived the server's history; one big answer cannot.
      if (!isExpired(error)) throw error;
      return source.list({}, signal);
    }
    return { items, resourceVersion: page.resourceVersion };
  }

  /** Compares one object with the store before a watch goes on in a history that may have been replaced. */
  async #probe(signal: AbortSignal): Promise<void> {
    const { source, store, probeMs = 10_000 } = this.#options;
    const progress = store.progress ?? '0';
    const { items, resourceVersion } = await source.list({ limit: 1, timeoutMs: probeMs }, signal);
    if (compareVersions(resourceVersion, progress) < 0) throw new RelistNeeded('rewound');
    const [first] = items;
    if (first === undefined) {
      if (store.size > 0) throw new RelistNeeded('replaced');
      return;
    }
    const cached = store.get(keyOf(first));
    const known =
      cached === undefined
        ? compareVersions(first.metadata.resourceVersion ?? '0', progress) > 0
        : cached.metadata.uid === first.metadata.uid;
    if (!known) throw new RelistNeeded('replaced');
  }

  /** Follows one watch; whether it lasted long enough to be called healthy when the server closed it. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { source, store, clock, random, idleMs = 90_000 } = this.#options;
    const timeoutSeconds = 300 + Math.floor(random() * 300);
    const scope = openWatchScope(clock, signal, { idleMs, deadlineMs: (timeoutSeconds + 10) * 1000 });
    const opened = clock.monotonicMillis();
    const isHealthy = (): boolean => clock.monotonicMillis() - opened > HEALTHY_MS;
    try {
      const from = { resourceVersion: store.progress ?? '0', timeoutSeconds };
      for await (const event of await source.watch(from, scope.signal)) {
        scope.touch();
        this.#apply(event);
      }
      return isHealthy();
    } finally {
      scope.end();
      if (isHealthy()) {
        this.#backOff.reset();
        this.#refusals = 0;
      }
    }
  }

  #apply(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw errorOfStatus(event.object);
    const { store } = this.#options;
    const version = versionIn(event.object);
    if (compareVersions(version, store.progress ?? '0') < 0) throw new RelistNeeded('rewound');
    if (event.type === 'BOOKMARK') store.advance(version);
    else store.applyEvent(event.type, event.object);
  }

  /** Decides what a failure means for the next round; how long to wait before it. */
  #waitAfter(error: unknown): number {
    const { log, source } = this.#options;
    if (isExpired(error)) this.#relist = 'expired';
    else if (error instanceof RelistNeeded) this.#relist = error.reason;
    else if (isAnswered(error) && ++this.#refusals >= GIVE_UP) this.#relist ??= 'failed';
    this.#metrics.watchEnded(source.name, causeOf(error));
    const wait = Math.max(this.#backOff.next(), error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0);
    const fields = { err: error, relist: this.#relist, waitMs: Math.round(wait) };
    if (this.#backOff.failures < LOUD) log.debug(fields, 'following the collection again after a failure');
    else log.warn(fields, 'the collection cannot be followed');
    return wait;
  }
}

/** Whether a server was there: where nobody answers, what is cached may still be right. */
function isAnswered(error: unknown): boolean {
  return !(error instanceof KubeError) || error.status > 0 || error.reason === 'BadAnswer';
}

function versionIn(object: KubeObject): string {
  const metadata: Partial<ObjectMeta> | undefined = object.metadata;
  if (metadata?.resourceVersion !== undefined) return metadata.resourceVersion;
  throw new KubeError({ status: 0, reason: 'BadAnswer', message: 'a watch event without resource version' });
}

function causeOf(error: unknown): string {
  if (error instanceof RelistNeeded) return error.reason;
  return error instanceof KubeError ? error.reason : 'unknown';
}
