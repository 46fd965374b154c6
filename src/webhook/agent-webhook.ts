import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Host } from '../api/kinds/host.ts';
import type { HostRolloutRecord } from '../api/kinds/host-rollout-record.ts';
import { fleetResource } from '../api/kinds/resources.ts';
import type { StoreChange } from '../kube/store.ts';
import { noTracer, type Span, type SpanStart } from '../kube/tracer.ts';
import { AgentRequest } from './agent-request.ts';
import { bare, send, type Answer } from './answer.ts';
import { CoalescedRead } from './coalesced-read.ts';
import { keyIn, type WebhookContext } from './context.ts';
import { HostQueue } from './host-queue.ts';
import { identify } from './identity.ts';
import { IssuanceDesk } from './issuance.ts';
import { judgeLayers, notReady } from './layers.ts';
import { LimitLog } from './limit-log.ts';
import { ParkedPolls } from './parked-polls.ts';
import { PeerLimits } from './peer-limits.ts';
import { readLive } from './record-lookup.ts';
import type { Route } from './route.ts';
import { Router } from './router.ts';
import { closureRoute } from './routes/closure.ts';
import { dispatchRoute } from './routes/dispatch.ts';
import { enrollRoute } from './routes/enroll.ts';
import { eventsRoute } from './routes/events.ts';
import { fleetResolvedRoutes } from './routes/fleet-resolved.ts';
import { healthzRoute } from './routes/healthz.ts';
import { heartbeatRoute } from './routes/heartbeat.ts';
import { renewRoute } from './routes/renew.ts';
import { rolloutRoutes } from './routes/rollouts.ts';
import { whoamiRoute } from './routes/whoami.ts';
import { AgentServer, type AgentTls, type Connection } from './server.ts';

/** What the webhook is made of. */
export interface AgentWebhookOptions extends Omit<WebhookContext, 'liveFleet'> {
  readonly tls: AgentTls;
}

/** The agent port of one replica. */
export interface AgentWebhook {
  /** Resolves once connections are accepted; rejects where the port cannot be bound. Port 0 takes a free one. */
  listen(port: number, host: string): Promise<void>;
  /** Where it listens; undefined when it does not. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** New certificates for new connections; held polls stay. */
  updateTls(tls: AgentTls): void;
  /** Answers held polls, so that agents go to another replica at once; lets running requests end, then closes. */
  close(): Promise<void>;
}

/**
 * The agent webhook (agent-protocol.md §1): it turns what hosts say into status updates and decides nothing
 * (architecture.md §1). It keeps no state of its own: any number of replicas may run.
 */
export function createAgentWebhook(options: AgentWebhookOptions): AgentWebhook {
  return new Webhook(options);
}

class Webhook implements AgentWebhook {
  readonly #context: WebhookContext;
  readonly #router: Router;
  readonly #polls: ParkedPolls;
  readonly #server: AgentServer;
  readonly #hosts: PeerLimits;
  readonly #strangers: PeerLimits;
  readonly #limitLog: LimitLog;
  readonly #unsubscribe: readonly (() => void)[];
  #closing = false;

  constructor(options: AgentWebhookOptions) {
    const { tls, ...rest } = options;
    const fleet = new CoalescedRead(() => readLive(rest, fleetResource, rest.fleetName));
    this.#context = { ...rest, liveFleet: () => fleet.get() };
    this.#polls = new ParkedPolls(rest.clock, (count) => rest.metrics.parkedPolls(count));
    this.#router = new Router(routesOf(this.#context, this.#polls));
    this.#hosts = new PeerLimits(rest.settings.hostLimit, rest.clock);
    this.#strangers = new PeerLimits(rest.settings.strangerLimit, rest.clock);
    this.#limitLog = new LimitLog(rest.clock, rest.logger);
    this.#server = new AgentServer({
      tls,
      clock: rest.clock,
      logger: rest.logger,
      metrics: rest.metrics,
      limitLog: this.#limitLog,
      maxConnections: rest.settings.maxConnections,
      handshakesPerSecond: rest.settings.handshakesPerSecond,
      onRequest: (request, response, connection) => void this.#serve(request, response, connection),
    });
    this.#unsubscribe = [
      rest.stores.records.subscribe((change) => wakeForMark(this.#polls, change)),
      rest.stores.hosts.subscribe((change) => wakeForHost(this.#polls, change)),
    ];
  }

  get address(): AgentWebhook['address'] {
    return this.#server.address;
  }

  listen(port: number, host: string): Promise<void> {
    return this.#server.listen(port, host);
  }

  updateTls(tls: AgentTls): void {
    this.#server.updateTls(tls);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#polls.closeAll();
    await this.#server.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #serve(request: IncomingMessage, response: ServerResponse, connection: Connection): Promise<void> {
    const { path, query } = splitUrl(request.url ?? '/');
    const match = this.#router.find(path);
    const { tracer = noTracer } = this.#context;
    const answer = await tracer.span(spanOf(request, match?.route), (span) =>
      this.#answerAlways(request, match, query, connection, span),
    );
    send(response, connection.outdated() || this.#closing ? { ...answer, close: true } : answer);
  }

  async #answerAlways(
    request: IncomingMessage,
    match: ReturnType<Router['find']>,
    query: string,
    connection: Connection,
    span: Span,
  ): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#answer(request, match, query, connection);
      if (answer.status >= 500) span.fail(`answered ${answer.status}`);
    } catch (error) {
      this.#context.logger.error({ err: error, route: match?.route.name }, 'a request could not be answered');
      span.fail(error);
      answer = bare(500);
    }
    const { peer } = connection;
    span.add({
      'http.response.status_code': answer.status,
      ...(peer && { 'agent.common_name': peer.commonName }),
    });
    this.#context.metrics.answered(match?.route.name ?? 'none', answer.status);
    return answer;
  }

  #answer(
    request: IncomingMessage,
    match: ReturnType<Router['find']>,
    query: string,
    connection: Connection,
  ): Answer | Promise<Answer> {
    const route = match?.route;
    const layered = route === undefined || route.access === 'host' || route.layers;
    if (layered) {
      const refusal = judgeLayers(request, isReady(this.#context));
      if (refusal !== undefined) return refusal;
    }
    if (match === undefined || route === undefined) return bare(404);
    return this.#call(request, route, new AgentRequest(request, match.parameter, query), connection);
  }

  #call(
    request: IncomingMessage,
    route: Route,
    agentRequest: AgentRequest,
    connection: Connection,
  ): Answer | Promise<Answer> {
    const wrongMethod = request.method !== route.method;
    if (route.access === 'open') {
      if (wrongMethod) return notAllowed(route);
      if (!route.layers) return route.handle(agentRequest);
      // Agents that enrol ask again after this answer and no other.
      const from = request.socket.remoteAddress ?? '';
      const told = (whose: 'peer' | 'total'): Answer => {
        this.#limitLog.refused(whose === 'peer' ? 'enrolments-per-address' : 'enrolments-per-second', from);
        return notReady;
      };
      return this.#limited(this.#strangers, from, route, told, () => route.handle(agentRequest));
    }
    const identity = identify(this.#context, connection.peer);
    if (identity === undefined) return bare(401);
    if (wrongMethod) return notAllowed(route);
    return this.#limited(
      this.#hosts,
      identity.hostname,
      route,
      () => tooMuch,
      () => route.handle(agentRequest, identity),
    );
  }

  async #limited(
    limits: PeerLimits,
    peer: string,
    route: Route,
    refusal: (whose: 'peer' | 'total') => Answer,
    handle: () => Answer | Promise<Answer>,
  ): Promise<Answer> {
    const entry = limits.enter(peer);
    if ('tooMuch' in entry) {
      this.#context.metrics.dropped(route.name, 'rate-limit');
      return refusal(entry.tooMuch);
    }
    try {
      return await handle();
    } finally {
      entry.leave();
    }
  }
}

/** Named by the route alone, for paths and hosts are many; the method of a request that no route takes is its name. */
function spanOf({ method = 'GET' }: IncomingMessage, route: Route | undefined): SpanStart {
  const attributes = { 'http.request.method': method };
  if (route === undefined) return { name: method, kind: 'server', root: true, attributes };
  const { path } = route;
  return {
    name: `${method} ${path}`,
    kind: 'server',
    root: true,
    attributes: { ...attributes, 'http.route': path },
  };
}

function routesOf(context: WebhookContext, polls: ParkedPolls): readonly Route[] {
  const queue = new HostQueue(context.settings.hostQueueMax);
  return [
    healthzRoute(),
    heartbeatRoute(context, queue),
    eventsRoute(context, queue),
    dispatchRoute(context, polls),
    closureRoute(),
    ...fleetResolvedRoutes(context),
    ...rolloutRoutes(context),
    whoamiRoute(context),
    ...certificateRoutes(context),
  ];
}

function certificateRoutes(context: WebhookContext): readonly Route[] {
  if (context.admission === undefined) return [];
  const desk = new IssuanceDesk(context, context.admission);
  return [enrollRoute(desk), renewRoute(desk)];
}

/** Without the Fleet's suffix a canonical name cannot be told from a host's own (it is only missing in a wipe). */
function isReady(context: WebhookContext): boolean {
  const fleet = context.stores.fleets.get(keyIn(context, context.fleetName));
  const known = fleet !== undefined && context.release() !== undefined;
  return known && context.admission?.documentsVerified() !== false;
}

/** 503 and not 429: to an agent every other status than 2xx means the same, and this one is in its protocol. */
const tooMuch: Answer = { status: 503, headers: { 'retry-after': '5' } };

function notAllowed(route: Route): Answer {
  return { status: 405, headers: { allow: route.method } };
}

function wakeForMark(polls: ParkedPolls, change: StoreChange<HostRolloutRecord>): void {
  if (change.type !== 'deleted' && change.new.status?.dispatch !== undefined) {
    polls.wake(change.new.spec.hostname);
  }
}

/** A host that no longer runs its target can be dispatched again; one that is revoked is waited for no longer. */
function wakeForHost(polls: ParkedPolls, change: StoreChange<Host>): void {
  if (change.type !== 'updated') return;
  const moved = change.old.status?.closure !== change.new.status?.closure;
  const revoked = change.old.spec.revokedBefore !== change.new.spec.revokedBefore;
  if (moved || revoked) polls.wake(change.new.spec.hostname);
}

function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
