import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import { eventEnvelopeSchema, type EventEnvelope } from '../../api/wire/events.ts';
import { isConflict, isNotFound, KubeError } from '../../kube/errors.ts';
import { bare, noContent, type Answer } from '../answer.ts';
import type { WebhookContext } from '../context.ts';
import { decideEvent, type EventDecision } from '../decide-event.ts';
import { HostQueueFullError, type HostQueue } from '../host-queue.ts';
import { findRecordForEvent, otherRecordForEvent, readLiveRecord } from '../record-lookup.ts';
import type { HostRoute } from '../route.ts';
import type { DropReason } from '../webhook-metrics.ts';

/** Times a lost compare-and-swap is decided again before the agent is asked to come back. */
const ATTEMPTS = 8;
/** A host can name a rollout as long as a body; a log line keeps the beginning. */
const LOGGED_ID_MAX = 256;

/** POST /v1/agent/events: one event, stored in its record's inbox or answered 204 and dropped (agent-protocol.md §1.4). */
export function eventsRoute(context: WebhookContext, queue: HostQueue): HostRoute {
  return {
    name: 'events',
    method: 'POST',
    path: '/v1/agent/events',
    access: 'host',
    async handle(request, identity) {
      const body = await request.json(eventEnvelopeSchema);
      if (body === undefined) return bare(400);
      if (!body.ok) return body.answer;
      if (body.value.hostname !== identity.hostname) return bare(403);
      return accept(context, queue, body.value);
    },
  };
}

async function accept(context: WebhookContext, queue: HostQueue, envelope: EventEnvelope): Promise<Answer> {
  try {
    return await queue.run(envelope.hostname, () => new EventIntake(context, envelope).run());
  } catch (error) {
    const full = error instanceof HostQueueFullError;
    context.metrics.dropped('events', full ? 'queue-full' : 'api-error');
    context.logger.warn({ err: error, ...about(envelope) }, 'an event is not stored; the host tries again');
    return bare(503);
  }
}

/** Takes one event in: judge it on the cached record, store it by compare-and-swap, judge again where that is lost. */
class EventIntake {
  readonly #context: WebhookContext;
  readonly #envelope: EventEnvelope;
  /** Uids of cached records that turned out to be gone. */
  readonly #gone = new Set<string | undefined>();

  constructor(context: WebhookContext, envelope: EventEnvelope) {
    this.#context = context;
    this.#envelope = envelope;
  }

  async run(): Promise<Answer> {
    let record = await this.#find();
    let live = false;
    let sought = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (record === undefined) return this.#drop('unknown-rollout');
      const decision = decideEvent(record, this.#envelope.event, this.#context.clock.now());
      if (decision.action === 'store') {
        const outcome = await this.#store(decision.next);
        if (outcome !== undefined) return outcome;
      } else if (live || (decision.action === 'drop' && decision.final)) {
        const refused = decision.action === 'drop' && decision.reason === 'refused' && !sought;
        const other = refused ? await otherRecordForEvent(this.#context, record) : undefined;
        if (other === undefined) return this.#answer(decision);
        record = other;
        sought = true;
        continue;
      }
      // Another replica may have stored what came before this event: nothing is dropped on the word of the cache alone.
      record = (await readLiveRecord(this.#context, record.metadata.name)) ?? (await this.#findOther(record));
      live = true;
    }
    return this.#refuse('conflicts');
  }

  #find(): Promise<HostRolloutRecord | undefined> {
    const { hostname, rolloutId } = this.#envelope;
    return findRecordForEvent(this.#context, hostname, rolloutId, this.#gone);
  }

  #findOther(gone: HostRolloutRecord): Promise<HostRolloutRecord | undefined> {
    this.#gone.add(gone.metadata.uid);
    return this.#find();
  }

  /** The answer, or undefined where somebody else was faster. */
  async #store(next: HostRolloutRecord): Promise<Answer | undefined> {
    const { client, stores, metrics } = this.#context;
    try {
      stores.records.upsertFromWrite(await client.replaceStatus(hostRolloutRecordResource, next));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined;
      // The API server will never take this object, so trying again would hold up every later event of the host.
      if (error instanceof KubeError && (error.status === 422 || error.status === 413)) {
        return this.#drop('not-storable', error.message);
      }
      throw error;
    }
    metrics.eventStored();
    return noContent;
  }

  #answer(decision: Exclude<EventDecision, { action: 'store' }>): Answer {
    return decision.action === 'full'
      ? this.#refuse('inbox-full')
      : this.#drop(decision.reason, decision.detail);
  }

  #drop(reason: DropReason, detail?: string): Answer {
    const { metrics, audit, logger } = this.#context;
    metrics.dropped('events', reason);
    const fields = { ...about(this.#envelope), reason, ...(detail !== undefined && { detail }) };
    if (reason === 'duplicate' || reason === 'no-change') logger.debug(fields, 'event not stored');
    else audit.info(fields, 'event not stored');
    return noContent;
  }

  #refuse(reason: DropReason): Answer {
    this.#context.metrics.dropped('events', reason);
    this.#context.logger.warn({ ...about(this.#envelope), reason }, 'event not stored; the host tries again');
    return bare(503);
  }
}

function about({ hostname, rolloutId, event }: EventEnvelope): object {
  return { host: hostname, rolloutId: rolloutId.slice(0, LOGGED_ID_MAX), kind: event.kind, seq: event.seq };
}
