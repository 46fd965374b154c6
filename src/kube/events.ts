import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import type { KubeClient } from './kube-client.ts';
import type { Logger } from './logger.ts';
import { microTime } from './micro-time.ts';
import { defineResource, type KubeObject } from './resource.ts';
import { noMetrics, type RuntimeMetrics } from './runtime-metrics.ts';
import { TokenBucket, type RateLimit } from './token-bucket.ts';
import { noTracer, type Tracer } from './tracer.ts';

/** An Event to tell people about; `reason` is PascalCase, `message` a sentence. */
export interface EventNote {
  /** The object it is about: as read from the API server, or as much of it as names it. */
  readonly about: KubeObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** What the operator did or refused; the reason where absent. */
  readonly action?: string;
}

/** Takes notes for people. Never throws and never waits; what cannot be sent is counted and forgotten. */
export interface EventSink {
  record(note: EventNote): void;
}

/** How an event recorder is set up. */
export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  readonly tracer?: Tracer | undefined;
  /** Qualified name of the operator, such as `nixfleet.dev/operator`. */
  readonly controller: string;
  /** This process: the Pod's name. */
  readonly instance: string;
  /** Makes the ends of Event names, unique per call. */
  readonly uniqueSuffix: () => string;
  /** Equal notes about the same object within so many milliseconds are one (120,000). */
  readonly windowMs?: number;
  readonly limit?: RateLimit;
  /** Notes that wait to be sent (1,000). */
  readonly queueLimit?: number;
}

interface EventObject extends KubeObject {
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly regarding: Record<string, string | undefined>;
}

/** The Events of `events.k8s.io/v1`. */
export const EVENTS = defineResource<EventObject>({
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
});

const NOTE_BYTES = 1024;
const NAME_LIMIT = 200;
const REMEMBERED = 4096;

/** Sends notes one after the other, equal ones once per window, within a rate. */
export class EventRecorder implements EventSink {
  readonly #options: EventRecorderOptions;
  readonly #metrics: RuntimeMetrics;
  readonly #recent = new LRUCache<string, number>({ max: REMEMBERED });
  readonly #bucket: TokenBucket;
  readonly #queue: EventNote[] = [];
  readonly #abort = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? noMetrics;
    this.#bucket = new TokenBucket(options.limit ?? { perSecond: 10, burst: 50 }, options.clock);
  }

  record(note: EventNote): void {
    if (this.#abort.signal.aborted) return;
    if (this.#isRepeated(note)) {
      this.#metrics.eventDropped('duplicate');
    } else if (this.#queue.length >= (this.#options.queueLimit ?? 1000)) {
      this.#metrics.eventDropped('queue-full');
    } else {
      this.#queue.push(note);
      this.#sending ??= this.#send();
    }
  }

  /** Resolves when nothing waits to be sent. */
  async idle(): Promise<void> {
    await this.#sending;
  }

  /** Drops what waits and takes no more. */
  stop(): void {
    this.#queue.length = 0;
    this.#abort.abort(new DOMException('the recorder stops', 'AbortError'));
  }

  #isRepeated(note: EventNote): boolean {
    const key = [note.about.metadata.uid ?? note.about.metadata.name, note.reason, note.message].join('\n');
    const now = this.#options.clock.monotonicMillis();
    const before = this.#recent.get(key);
    if (before !== undefined && now - before < (this.#options.windowMs ?? 120_000)) return true;
    this.#recent.set(key, now);
    return false;
  }

  async #send(): Promise<void> {
    const { client, clock, log, tracer = noTracer } = this.#options;
    const { signal } = this.#abort;
    for (let note = this.#queue.shift(); note !== undefined; note = this.#queue.shift()) {
      try {
        const wait = this.#bucket.reserve();
        if (wait > 0) await clock.sleep(wait, signal);
        const event = this.#eventOf(note);
        const start = { name: 'send event', root: true, attributes: { 'event.reason': note.reason } };
        // Of its own: who happens to set this loop going has nothing to do with most of the notes.
        await tracer.span(start, () => client.create(EVENTS, event, { signal, timeoutMs: 10_000 }));
      } catch (error) {
        this.#metrics.eventDropped('failed');
        if (!signal.aborted) log.debug({ err: error, reason: note.reason }, 'an Event could not be sent');
      }
    }
    this.#sending = undefined;
  }

  #eventOf(note: EventNote): EventObject {
    const { controller, instance, clock, uniqueSuffix } = this.#options;
    const { name, namespace = 'default', uid, resourceVersion } = note.about.metadata;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, NAME_LIMIT)}.${uniqueSuffix()}`, namespace },
      eventTime: microTime(clock.now()),
      reportingController: controller,
      reportingInstance: instance,
      action: (note.action ?? note.reason).slice(0, 128),
      reason: note.reason.slice(0, 128),
      type: note.type,
      note: truncateUtf8(note.message, NOTE_BYTES),
      regarding: {
        apiVersion: note.about.apiVersion,
        kind: note.about.kind,
        name,
        namespace: note.about.metadata.namespace,
        uid,
        resourceVersion,
      },
    };
  }
}

/** The longest start of a text that takes at most `bytes` in UTF-8; a cut is marked with an ellipsis. */
export function truncateUtf8(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length <= bytes) return text;
  let end = bytes - 3;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${encoded.toString('utf8', 0, end)}…`;
}
