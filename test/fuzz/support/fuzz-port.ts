import { expect } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { hostRolloutRecordStatusSchema } from '../../../src/api/kinds/host-rollout-record.ts';
import { hostStatusSchema, type Host } from '../../../src/api/kinds/host.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { addMillis } from '../../../src/api/time.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { startAgentPort, WireHost, type AgentPort } from '../../support/agent-port.ts';
import {
  newEnrolmentScene,
  newHostKey,
  type EnrolmentScene,
  type TestHost,
} from '../../support/enrolment.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { fleet, host, record } from '../../unit/webhook/support.ts';

const HOUR_MS = 3_600_000;

/** The agent port over storage in memory, with two hosts in mid-rollout, ready to be attacked by one of them. */
export interface FuzzPort {
  readonly port: AgentPort;
  readonly api: MemoryApi;
  readonly scene: EnrolmentScene;
  readonly web01: TestHost;
  /** The attacker: web-01 with a valid certificate. */
  readonly insider: WireHost;
  /** The attacker: nobody. */
  readonly stranger: WireHost;
  /** Fails where anything but what web-01 may say about itself has changed, or what it said is no valid object. */
  expectIntact(): void;
  close(): Promise<void>;
}

/** Starts it; limits on rates are off, because they would hide everything else. */
export async function startFuzzPort(): Promise<FuzzPort> {
  const api = new MemoryApi();
  const ca = await createAgentCa();
  const now = systemClock.now();
  const scene = newEnrolmentScene(ca, { from: addMillis(now, -HOUR_MS), until: addMillis(now, HOUR_MS) });
  const web01 = newHostKey('web-01');
  scene.hosts.set('web-01', { pubkey: web01.pubkey });
  const unlimited = { perSecond: 1e9, burst: 1e9 };
  const port = await startAgentPort({
    client: api.client(systemClock),
    ca,
    admission: scene.admission,
    settings: {
      pollMaxSeconds: 1,
      hostQueueMax: 10_000,
      handshakesPerSecond: 100_000,
      hostLimit: { perPeer: unlimited, runningPerPeer: 10_000 },
      strangerLimit: { perPeer: unlimited, runningPerPeer: 10_000 },
    },
  });
  const mark = { queuedAt: now, term: 1 };
  const objects = [
    { ...fleet(), status: { term: 1 } },
    rollout(),
    host(),
    named(host(), 'web-02'),
    record({ state: 'Pending', dispatch: mark }),
    record(
      { state: 'Activating', lastEventSeq: 3 },
      { hostname: 'web-02', hostRef: 'web-02' },
      'stable-1.web-02',
    ),
  ];
  const [theFleet, theRollout, hostA, hostB, recordA, recordB] = objects.map((object) => api.create(object));
  port.stores.fleets.applyList([theFleet as never], '10', 0);
  port.stores.rollouts.applyList([theRollout as never], '10', 0);
  port.stores.hosts.applyList([hostA as never, hostB as never], '10', 0);
  port.stores.records.applyList([recordA as never, recordB as never], '10', 0);
  const insider = await WireHost.of(port, 'web-01');
  const stranger = new WireHost(port.port, ca.certPem);
  const ref = (name: string) => ({ namespace: 'default', name });
  const others = ['lab', 'stable-1', 'web-02', 'stable-1.web-02'];
  const before = others.map((name) => api.peek(ref(name)));
  const specs = ['web-01', 'stable-1.web-01'].map((name) => specOf(api.peek(ref(name))));
  return {
    port,
    api,
    scene,
    web01,
    insider,
    stranger,
    expectIntact: () => {
      expect(others.map((name) => api.peek(ref(name)))).toEqual(before);
      expect(['web-01', 'stable-1.web-01'].map((name) => specOf(api.peek(ref(name))))).toEqual(specs);
      expect(hostStatusSchema.optional().safeParse(statusOf(api.peek(ref('web-01')))).error).toBeUndefined();
      const own = statusOf(api.peek(ref('stable-1.web-01')));
      expect(hostRolloutRecordStatusSchema.safeParse(own).error).toBeUndefined();
      expect(JSON.stringify(own).length).toBeLessThan(200 * 1024);
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    },
    close: async () => {
      insider.close();
      stranger.close();
      await port.close();
    },
  };
}

function named(object: Host, name: string): Host {
  return {
    ...object,
    metadata: { ...object.metadata, name, uid: `uid-${name}` },
    spec: { ...object.spec, hostname: name },
  };
}

function specOf(object: KubeObject | undefined): unknown {
  return object === undefined ? undefined : (object as HostRolloutRecord).spec;
}

function statusOf(object: KubeObject | undefined): unknown {
  return object === undefined ? undefined : (object as HostRolloutRecord).status;
}

function rollout(): Rollout {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'stable-1', namespace: 'default', uid: 'uid-rollout', resourceVersion: '10' },
    spec: {
      rolloutId: record().spec.rolloutId,
      channel: 'stable',
      channelRef: 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334',
      attempt: 1,
      fleetRef: 'lab',
      hostCount: 2,
      hostSetHash: 'x',
      waves: 1,
      onHealthFailure: 'rollback-and-halt',
      budgets: [],
      intent: { hold: 'None', retry: [] },
    },
    status: { state: 'Active', currentWave: 0 },
  };
}

/** TCP and TLS handles of this process that are open right now. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /TCPSocketWrap|TLSWrap/.test(kind)).length;
}

/** Bytes in use after a collection; the project runs with --expose-gc. */
export function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
