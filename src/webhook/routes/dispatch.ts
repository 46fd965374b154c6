import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../api/kinds/resources.ts';
import type { DispatchAnswer } from '../../api/wire/dispatch.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { AgentCall } from '../agent-request.ts';
import { bare, json, noContent, plain, type Answer } from '../answer.ts';
import { hostObject, type WebhookContext } from '../context.ts';
import { decideDelivery, deliveryDue, mayDispatch, oldestMarkFirst } from '../decide-delivery.ts';
import type { ParkedPolls } from '../parked-polls.ts';
import { identify } from '../identity.ts';
import { activeRecordsOf, readLive, readLiveRecord } from '../record-lookup.ts';
import type { HostRoute } from '../route.ts';

const ATTEMPTS = 4;

/** GET /v1/agent/dispatch?wait=N: held until a mark of the host can be delivered (agent-protocol.md §1.5). */
export function dispatchRoute(context: WebhookContext, polls: ParkedPolls): HostRoute {
  return {
    name: 'dispatch',
    method: 'GET',
    path: '/v1/agent/dispatch',
    access: 'host',
    async handle(request, identity) {
      const seconds = waitSeconds(request.query, context.settings.pollMaxSeconds);
      if (seconds === undefined) return plain(400, 'wait must be a whole number of seconds, such as wait=60');
      if (polls.closed) return bare(503);
      // A certificate can be revoked, or end, while its poll is held.
      const shutOut = (): boolean => identify(context, identity.peer) === undefined;
      const desk = new DispatchDesk(context, identity.hostname);
      return hold(desk, request, polls, { waitMs: seconds * 1000, shutOut });
    },
  };
}

async function hold(
  desk: DispatchDesk,
  request: AgentCall,
  polls: ParkedPolls,
  { waitMs, shutOut }: { readonly waitMs: number; readonly shutOut: () => boolean },
): Promise<Answer> {
  // Open before looking, so that no mark falls between the look and the wait.
  const poll = polls.open(desk.hostname, waitMs);
  const forgetGone = request.onGone(() => poll.end());
  try {
    for (;;) {
      const found = await desk.deliver(() => poll.over || request.gone || shutOut());
      if (found.answer !== undefined) return json(200, JSON.stringify(found.answer));
      if (shutOut()) return bare(401);
      if ((await poll.next(found.retryAfterMs)) === 'over') return noContent;
    }
  } finally {
    forgetGone();
    polls.close(desk.hostname, poll);
  }
}

interface Found {
  readonly answer?: DispatchAnswer | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Looks for what can be delivered to one host, and delivers it by compare-and-swap. */
class DispatchDesk {
  readonly hostname: string;
  readonly #context: WebhookContext;

  constructor(context: WebhookContext, hostname: string) {
    this.#context = context;
    this.hostname = hostname;
  }

  /** The delivery of the oldest due mark, or when to look again; nothing is delivered once `stop` says so. */
  async deliver(stop: () => boolean): Promise<Found> {
    let retryAfterMs: number | undefined;
    for (const record of oldestMarkFirst(activeRecordsOf(this.#context, this.hostname))) {
      const found = await this.#deliverOne(record, stop);
      if (found.answer !== undefined) return found;
      if (found.retryAfterMs !== undefined) {
        retryAfterMs = Math.min(retryAfterMs ?? Infinity, found.retryAfterMs);
      }
    }
    return { retryAfterMs };
  }

  async #deliverOne(cached: HostRolloutRecord, stop: () => boolean): Promise<Found> {
    const { clock, settings } = this.#context;
    let record: HostRolloutRecord | undefined = cached;
    for (let attempt = 0; attempt < ATTEMPTS && record !== undefined; attempt += 1) {
      const due = deliveryDue(record, {
        now: clock.now(),
        redeliverAfterMs: settings.redeliverAfterMs,
        hostClosure: hostObject(this.#context, this.hostname)?.status?.closure,
      });
      if (!due.due) return { retryAfterMs: due.retryAfterMs };
      // Both are read after the mark was seen: a term that was current before it proves nothing.
      const [fleet, rollout] = await Promise.all([
        this.#context.liveFleet(),
        readLive(this.#context, rolloutResource, record.spec.rolloutRef),
      ]);
      if (stop() || !mayDispatch(record, rollout)) return {};
      const delivery = decideDelivery(record, due.mark, fleet?.status?.term, clock.now());
      if (delivery === undefined) return {};
      if (await this.#stored(delivery.next)) return { answer: delivery.answer };
      record = await readLiveRecord(this.#context, cached.metadata.name);
    }
    // Somebody writes this record again and again; what they write wakes this poll.
    return {};
  }

  async #stored(next: HostRolloutRecord): Promise<boolean> {
    const { client, stores, metrics, logger } = this.#context;
    try {
      stores.records.upsertFromWrite(await client.replaceStatus(hostRolloutRecordResource, next));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false;
      throw error;
    }
    metrics.delivered();
    logger.info({ host: this.hostname, rolloutId: next.spec.rolloutId }, 'dispatch delivered');
    return true;
  }
}

/** The seconds to hold, or undefined where `wait` is no unsigned integer. */
function waitSeconds(query: string, max: number): number | undefined {
  const [wait, ...more] = new URLSearchParams(query).getAll('wait');
  if (wait === undefined) return max;
  if (more.length > 0 || !/^\+?\d{1,20}$/.test(wait) || BigInt(wait) >= 2n ** 64n) return undefined;
  return Math.min(max, Number(wait));
}
