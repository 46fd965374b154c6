import type { Host } from '../../api/kinds/host.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import { hostResource, hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import {
  heartbeatRequestSchema,
  type HeartbeatRequest,
  type HeartbeatResponse,
} from '../../api/wire/heartbeat.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import { bare, json, type Answer } from '../answer.ts';
import { hostObject, type WebhookContext } from '../context.ts';
import { decideHeartbeat, decideReplayFrom, type HeartbeatDecision } from '../decide-heartbeat.ts';
import { decideHostFacts } from '../decide-host-facts.ts';
import { HostQueueFullError, type HostQueue } from '../host-queue.ts';
import type { Identity } from '../identity.ts';
import {
  activeRecordsOf,
  cachedRecordForEvent,
  otherAttempts,
  readLive,
  readLiveRecord,
} from '../record-lookup.ts';
import type { HostRoute } from '../route.ts';

const ATTEMPTS = 8;

/** POST /v1/agent/heartbeat: facts about the host, recovery, and what the agent shall know (agent-protocol.md §1.3). */
export function heartbeatRoute(context: WebhookContext, queue: HostQueue): HostRoute {
  return {
    name: 'heartbeat',
    method: 'POST',
    path: '/v1/agent/heartbeat',
    access: 'host',
    async handle(request, identity) {
      const body = await request.json(heartbeatRequestSchema);
      if (body === undefined) return bare(400);
      if (!body.ok) return body.answer;
      if (body.value.hostname !== identity.hostname) return bare(403);
      const heartbeat = body.value;
      try {
        return await queue.run(identity.hostname, () => take(context, identity, heartbeat));
      } catch (error) {
        const full = error instanceof HostQueueFullError;
        context.metrics.dropped('heartbeat', full ? 'queue-full' : 'api-error');
        context.logger.warn({ err: error, host: identity.hostname }, 'a heartbeat cannot be answered now');
        return bare(503);
      }
    },
  };
}

async function take(
  context: WebhookContext,
  identity: Identity,
  heartbeat: HeartbeatRequest,
): Promise<Answer> {
  const active = activeRecordsOf(context, identity.hostname);
  const facts = storeFacts(context, identity, heartbeat);
  if (active.length === 0) {
    await facts;
    return respond({ received_at: heartbeat.at }, replayFrom(context, heartbeat));
  }
  const [decision] = await Promise.all([settleRecords(context, active, heartbeat), facts]);
  return respond(decision.answer, replayFrom(context, heartbeat));
}

/** Decides on live records until every entry it wants appended is stored. */
async function settleRecords(
  context: WebhookContext,
  active: readonly HostRolloutRecord[],
  heartbeat: HeartbeatRequest,
): Promise<HeartbeatDecision> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [live, others] = await Promise.all([
      Promise.all(active.map(({ metadata }) => readLiveRecord(context, metadata.name))),
      otherAttempts(context, active),
    ]);
    const records = live.filter((record) => record !== undefined);
    const decision = decideHeartbeat(records, heartbeat, {
      now: context.clock.now(),
      redeliverAfterMs: context.settings.redeliverAfterMs,
      toldAfterMs: context.settings.toldAfterMs,
      otherAttempts: others,
    });
    const stored = await Promise.all(decision.writes.map((record) => storeRecord(context, record)));
    if (stored.every(Boolean)) return decision;
  }
  throw new Error('other writers were faster every time');
}

async function storeRecord(context: WebhookContext, next: HostRolloutRecord): Promise<boolean> {
  try {
    const answer = await context.client.replaceStatus(hostRolloutRecordResource, next);
    context.stores.records.upsertFromWrite(answer);
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}

/** Writes what is new about the host, if anything; a host without object is not declared and has nothing to be kept. */
function storeFacts(
  context: WebhookContext,
  identity: Identity,
  heartbeat: HeartbeatRequest,
): Promise<void> | undefined {
  const host = hostObject(context, identity.hostname);
  if (host === undefined) {
    context.metrics.dropped('heartbeat', 'unknown-host');
    return undefined;
  }
  const next = withFacts(context, host, identity, heartbeat);
  return next === undefined ? undefined : writeFacts(context, next, identity, heartbeat);
}

async function writeFacts(
  context: WebhookContext,
  first: Host,
  identity: Identity,
  heartbeat: HeartbeatRequest,
): Promise<void> {
  let next: Host | undefined = first;
  for (let attempt = 0; attempt < ATTEMPTS && next !== undefined; attempt += 1) {
    try {
      context.stores.hosts.upsertFromWrite(await context.client.replaceStatus(hostResource, next));
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
    }
    const live: Host | undefined = await readLive(context, hostResource, first.metadata.name);
    if (live !== undefined) context.stores.hosts.upsertFromWrite(live);
    next = live && withFacts(context, live, identity, heartbeat);
  }
  if (next !== undefined) throw new Error('other writers of the Host were faster every time');
}

function withFacts(
  context: WebhookContext,
  host: Host,
  identity: Identity,
  heartbeat: HeartbeatRequest,
): Host | undefined {
  const { clock, random, settings } = context;
  const { notBefore, notAfter, fingerprint } = identity.peer;
  const status = decideHostFacts(
    host,
    {
      closure: heartbeat.current_closure,
      certificate: { notBefore, notAfter, fingerprint },
      at: heartbeat.at,
    },
    {
      now: clock.now(),
      offlineAfterMs: settings.offlineAfterMs(),
      settleMinGapMs: settings.settleMinGapMs,
      jitter: random(),
    },
  );
  return status && { ...host, status };
}

/** Real agents never name a rollout, and only log the header; so the cache is good enough. */
function replayFrom(context: WebhookContext, heartbeat: HeartbeatRequest): number | undefined {
  if (heartbeat.rollout_id === undefined) return undefined;
  const record = cachedRecordForEvent(context, heartbeat.hostname, heartbeat.rollout_id);
  return decideReplayFrom(record, heartbeat, context.clock.now());
}

/** Members in the order of the protocol's examples; what is not listed is not sent. */
const MEMBERS = [
  'received_at',
  'bootstrap_rollouts',
  'rolloutId',
  'hostname',
  'channel',
  'state',
  'targetClosure',
  'currentClosureAtDispatch',
  'currentClosure',
  'dispatchedAt',
  'dispatchAckedAt',
  'activationStartedAt',
  'activationCompletedAt',
  'soakDueAt',
  'lastEventSeq',
];

function respond(response: HeartbeatResponse, replay: number | undefined): Answer {
  const text =
    response.bootstrap_rollouts === undefined
      ? `{"received_at":${JSON.stringify(response.received_at)}}`
      : JSON.stringify(response, MEMBERS);
  return json(200, text, replay === undefined ? undefined : { 'x-nixfleet-replay-from': String(replay) });
}
