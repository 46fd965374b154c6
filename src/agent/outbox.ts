/** Events on their way to the control plane, in order and never lost (agent-protocol.md §3.3, §3.4). */
import type { AgentEvent, EventEnvelope } from '../api/wire/events.ts';
import { decodeEnvelope, encodeEvent } from '../core/host/wire.ts';
import type { DurableStore } from './durable-store.ts';
import { messageOf, type Report } from './feed.ts';

/** More is refused: a host that long without a control plane has nothing new to say. */
export const outboxLimit = 4096;
const SENT_KEPT = 64;

/** Sends one event; resolves with the HTTP status. */
export type SendEvent = (envelope: EventEnvelope) => Promise<number>;

/** What an outbox needs. */
export interface OutboxOptions {
  readonly hostname: string;
  readonly store: DurableStore;
  readonly send: SendEvent;
  readonly report: Report;
  /** Quirk of §3.4. */
  readonly shadowsEqualSeq: boolean;
}

/**
 * A queue on disk. A pass sends in the order of seq, over all rollouts, and ends at the first answer that is not 2xx:
 * what a server refuses for good blocks all that follows.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sent: EventEnvelope[] = [];
  #passes: Promise<void> = Promise.resolve();
  #queuedPass = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Stores an event and starts a pass. */
  async add(rolloutId: string, event: AgentEvent): Promise<void> {
    const { hostname, store, report } = this.#options;
    if ((await store.list()).length >= outboxLimit) {
      report({
        type: 'error',
        part: 'outbox',
        message: `full (${outboxLimit} events): ${event.kind} is lost`,
      });
      return;
    }
    const envelope: EventEnvelope = { hostname, rolloutId, event: encodeEvent(event) };
    await store.put(fileName(envelope), Buffer.from(JSON.stringify(envelope)));
    void this.flush();
  }

  /** Sends what is there, after a pass that is under way. Never rejects. */
  async flush(): Promise<void> {
    if (!this.#queuedPass) {
      this.#queuedPass = true;
      this.#passes = this.#passAfter(this.#passes);
    }
    return this.#passes;
  }

  /** How many events wait. */
  async size(): Promise<number> {
    return (await this.#options.store.list()).length;
  }

  /** Stores events of `rolloutId` after `seq` again, as far as they are still known. */
  async replay(rolloutId: string, seq: number): Promise<void> {
    for (const envelope of this.#sent.filter(
      (sent) => sent.rolloutId === rolloutId && sent.event.seq > seq,
    )) {
      await this.#options.store.put(fileName(envelope), Buffer.from(JSON.stringify(envelope)));
    }
    void this.flush();
  }

  /** Ends passes; what waits stays stored. */
  close(): void {
    this.#closed = true;
  }

  async #passAfter(before: Promise<void>): Promise<void> {
    await before;
    this.#queuedPass = false;
    await this.#pass();
  }

  async #pass(): Promise<void> {
    const { store, report } = this.#options;
    try {
      let shadowed = true;
      while (shadowed && !this.#closed) {
        const names = await store.list();
        const pass = this.#options.shadowsEqualSeq ? lastOfEachSeq(names) : names;
        shadowed = pass.length < names.length;
        for (const name of pass) {
          if (this.#closed || !(await this.#sendFile(name))) return;
        }
      }
    } catch (error) {
      if (!this.#closed) report({ type: 'error', part: 'outbox', message: messageOf(error) });
    }
  }

  async #sendFile(name: string): Promise<boolean> {
    const { store, send, report } = this.#options;
    const content = await store.get(name);
    if (content === undefined) return true;
    const envelope = read(content);
    if (envelope === undefined) {
      report({ type: 'error', part: 'outbox', message: `${name} is unreadable and dropped` });
      await store.remove(name);
      return true;
    }
    const status = await send(envelope);
    const { kind, seq } = envelope.event;
    report({ type: 'event-sent', rolloutId: envelope.rolloutId, kind, seq, status });
    if (status < 200 || status > 299) return false;
    await store.remove(name);
    this.#sent.push(envelope);
    if (this.#sent.length > SENT_KEPT) this.#sent.shift();
    return true;
  }
}

/** `{seq:020}-{host}-{rollout}-{Kind}.json`. */
function fileName({ hostname, rolloutId, event }: EventEnvelope): string {
  const rest = `${hostname}-${rolloutId}-${event.kind}.json`.replaceAll(/[^A-Za-z0-9\-@.]/g, '_');
  return `${String(event.seq).padStart(20, '0')}-${rest}`;
}

function lastOfEachSeq(names: readonly string[]): string[] {
  return [...new Map(names.map((name) => [name.slice(0, 20), name])).values()];
}

function read(content: Uint8Array): EventEnvelope | undefined {
  try {
    const decoded = decodeEnvelope(JSON.parse(Buffer.from(content).toString('utf8')));
    return decoded.ok ? decoded.value : undefined;
  } catch {
    return undefined;
  }
}
