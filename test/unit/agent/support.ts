import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AgentFeedEntry } from '../../../src/agent/feed.ts';
import { ArtifactVerifier } from '../../../src/agent/artifacts.ts';
import { agentConstants, scaled, type AgentConstants } from '../../../src/agent/constants.ts';
import { SimulatedHost, type SimulatedHostOptions } from '../../../src/agent/simulated-host.ts';
import { eventEnvelopeSchema, type EventEnvelope } from '../../../src/api/wire/events.ts';
import { heartbeatRequestSchema, type HeartbeatRequest } from '../../../src/api/wire/heartbeat.ts';
import type { HostRolloutSnapshot } from '../../../src/api/wire/snapshot.ts';
import type { OnHealthFailure } from '../../../src/api/wire/enums.ts';
import { timestampFromMillis } from '../../../src/api/time.ts';
import { trustConfigSchema } from '../../../src/api/artifacts/trust-config.ts';
import { signDocument, signingKeyFromRaw } from '../../../src/core/artifacts/sign.ts';
import { createAgentCa, mintAgentCertificate, mintServerCertificate } from '../../../src/dev/agent-ca.ts';

export const TARGET = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
export const PRIOR = '0000000000000000000000000000000p-nixos-system-web-01-26.05';
export const REF = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
export const ROLLOUT = `stable@${REF}`;
const key = signingKeyFromRaw('ed25519', Buffer.alloc(32, 3));

/** A control plane of a few lines for one host, `web-01`, that a test scripts and then reads. */
export interface ScriptedControlPlane {
  readonly url: string;
  readonly caPem: string;
  /** The events in the order they came, those that were refused included. */
  readonly events: EventEnvelope[];
  readonly heartbeats: HeartbeatRequest[];
  /** What hosts use unless told otherwise: a hundred times as fast as v0.2, but for the poll. */
  readonly constants: AgentConstants;
  /** What the next heartbeats answer. */
  snapshots: HostRolloutSnapshot[];
  /** Sent as X-Nixfleet-Replay-From. */
  replayFrom?: number;
  /** Status of the next events. */
  eventStatus: number;
  /** Hands out one dispatch. */
  dispatch(change?: Record<string, unknown>): void;
  /** Host certificate and trust of this control plane. */
  host(options?: Partial<SimulatedHostOptions>): Promise<{ host: SimulatedHost; feed: AgentFeedEntry[] }>;
  stop(): Promise<void>;
}

/** Starts it; `signedAt` in milliseconds since the epoch. */
export async function scriptedControlPlane(
  options: {
    onHealthFailure?: OnHealthFailure;
    signedAt?: number;
    manifestTarget?: string;
    otherFleet?: boolean;
  } = {},
): Promise<ScriptedControlPlane> {
  const ca = await createAgentCa();
  const documents = release(options);
  const waiting: ServerResponse[] = [];
  const dispatches: object[] = [];
  const events: EventEnvelope[] = [];
  const heartbeats: ScriptedControlPlane['heartbeats'] = [];
  const hosts: SimulatedHost[] = [];
  const serverCertificate = await mintServerCertificate(ca);
  const server = createServer(
    { cert: serverCertificate.certPem, key: serverCertificate.keyPem, ca: ca.certPem, requestCert: true },
    (request, response) => void answer(request, response),
  );
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'https://x').pathname;
    const document = documents.get(path);
    if (document !== undefined) return void response.end(document);
    if (path === '/v1/agent/dispatch') return hold(response);
    if (request.method === 'GET') return void response.writeHead(404).end();
    const body: unknown = JSON.parse(await text(request));
    if (path === '/v1/agent/heartbeat') {
      const beat = heartbeatRequestSchema.parse(body);
      heartbeats.push(beat);
      const rollouts = plane.snapshots.length > 0 ? { bootstrap_rollouts: plane.snapshots } : {};
      if (plane.replayFrom !== undefined) response.setHeader('X-Nixfleet-Replay-From', plane.replayFrom);
      response.end(JSON.stringify({ received_at: beat.at, ...rollouts }));
      return;
    }
    events.push(eventEnvelopeSchema.parse(body));
    response.writeHead(plane.eventStatus).end();
  };
  const hold = (response: ServerResponse): void => {
    const dispatch = dispatches.shift();
    if (dispatch !== undefined) return void response.end(JSON.stringify(dispatch));
    waiting.push(response);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const plane: ScriptedControlPlane = {
    url: `https://127.0.0.1:${portOf(server)}`,
    caPem: ca.certPem,
    events,
    heartbeats,
    constants: { ...scaled(agentConstants, 100), pollWait: 60_000, pollTimeout: 65_000 },
    snapshots: [],
    eventStatus: 204,
    dispatch: (change = {}) => {
      dispatches.push({
        hostname: 'web-01',
        rollout_id: ROLLOUT,
        target_closure: TARGET,
        soak_due_at: timestampFromMillis(Date.now()),
        enqueued_at: '2026-06-01T10:00:00Z',
        ...change,
      });
      const response = waiting.pop();
      if (response !== undefined) hold(response);
    },
    host: async (change = {}) => {
      const feed: AgentFeedEntry[] = [];
      const certificate = await mintAgentCertificate(ca, { machineId: 'web-01', suffix: 'fleet.example' });
      const host = new SimulatedHost({
        hostname: 'web-01',
        closure: PRIOR,
        identity: { controlPlaneUrl: plane.url, caPem: ca.certPem, ...certificate },
        verifier: new ArtifactVerifier(trust),
        constants: plane.constants,
        behaviour: { switchSeconds: 0.01 },
        feed: (entry) => feed.push(entry),
        ...change,
      });
      hosts.push(host);
      return { host, feed };
    },
    stop: async () => {
      await Promise.all(hosts.map(async (host) => host.stop()));
      server.closeAllConnections();
      server.close();
    },
  };
  return plane;
}

const trust = trustConfigSchema.parse({
  schemaVersion: 1,
  ciReleaseKey: { current: key.trusted, previous: null, successor: null, rejectBefore: null, retireAt: null },
  orgRootKey: null,
  rootCaPem: null,
});

function release(options: Parameters<typeof scriptedControlPlane>[0] = {}): Map<string, Uint8Array> {
  const meta = {
    schemaVersion: 1,
    signedAt: timestampFromMillis(options.signedAt ?? Date.now()),
    ciCommit: REF,
  };
  const policy = {
    strategy: 'canary',
    waves: [],
    healthGate: {},
    onHealthFailure: options.onHealthFailure ?? 'halt',
  };
  const fleet = signDocument(
    JSON.stringify({
      schemaVersion: 1,
      hosts: {
        'web-01': {
          platform: 'x86_64-linux',
          tags: [],
          channel: 'stable',
          closureHash: TARGET,
          pubkey: null,
        },
      },
      channels: {
        stable: {
          rolloutPolicy: 'p',
          reconcileIntervalMinutes: 5,
          freshnessWindow: 60,
          signingIntervalMinutes: 30,
        },
      },
      rolloutPolicies: { p: policy },
      waves: { stable: [{ hosts: ['web-01'], soakMinutes: 0 }] },
      meta,
    }),
    key,
  );
  const manifest = signDocument(
    JSON.stringify({
      schemaVersion: 1,
      displayName: 'stable@a1b2c3d4',
      channel: 'stable',
      channelRef: REF,
      fleetResolvedHash: options.otherFleet === true ? 'another' : fleet.canonicalSha256,
      hostSet: [{ hostname: 'web-01', waveIndex: 0, targetClosure: options.manifestTarget ?? TARGET }],
      healthGate: {},
      meta,
    }),
    key,
  );
  return new Map<string, Uint8Array>([
    ['/v1/fleet.resolved', Buffer.from(fleet.canonical)],
    ['/v1/fleet.resolved/sig', fleet.signature],
    [`/v1/rollouts/${ROLLOUT}`, Buffer.from(manifest.canonical)],
    [`/v1/rollouts/${ROLLOUT}/sig`, manifest.signature],
  ]);
}

/** A snapshot of web-01's record. */
export function snapshot(change: Partial<HostRolloutSnapshot> = {}): HostRolloutSnapshot {
  return {
    rolloutId: ROLLOUT,
    hostname: 'web-01',
    channel: 'stable',
    state: 'Soaking',
    targetClosure: TARGET,
    currentClosure: TARGET,
    dispatchedAt: timestampFromMillis(0),
    soakDueAt: timestampFromMillis(Date.now() + 3_600_000),
    lastEventSeq: 3,
    ...change,
  };
}

async function text(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString('utf8');
  return body;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
