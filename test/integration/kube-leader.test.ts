import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { NotLeaderError } from '../../src/kube/errors.ts';
import { EventRecorder, EVENTS } from '../../src/kube/events.ts';
import { gateWrites, type KubeClient } from '../../src/kube/kube-client.ts';
import { LeaderElector } from '../../src/kube/leader-election.ts';
import { LEASES } from '../../src/kube/lease.ts';
import { silentLogger } from '../../src/kube/logger.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientOf, eventually, installWidgets, widget, WIDGETS } from '../support/widgets.ts';

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane();
  client = clientOf(plane.kubeconfigPath);
  await installWidgets(client);
});

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

interface Candidate {
  readonly elector: LeaderElector;
  readonly proxy: TcpProxy;
  readonly client: KubeClient;
  readonly lost: string[];
  readonly stop: () => Promise<void>;
}

/** A candidate with a connection of its own and times a fifth of the usual ones. */
async function candidate(name: string, identity: string): Promise<Candidate> {
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(plane.serverUrl).port) });
  const own = clientOf(plane.kubeconfigPath, proxy.port);
  const lost: string[] = [];
  const elector = new LeaderElector({
    client: own,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    lease: { namespace: 'default', name },
    identity,
    durationMs: 3_000,
    renewDeadlineMs: 2_000,
    retryPeriodMs: 400,
    onStarted: () => undefined,
    onLost: (reason) => lost.push(reason),
  });
  const abort = new AbortController();
  const running = elector.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
    await own.close();
    await proxy.close();
  };
  return { elector, proxy, client: own, lost, stop };
}

test('a leader whose connection goes silent writes nothing more, and the other follows', async () => {
  const a = await candidate('silent', 'a');
  await eventually(() => expect(a.elector.isLeader()).toBe(true));
  const b = await candidate('silent', 'b');
  const gated = gateWrites(a.client, () => a.elector.assertLeader());
  await gated.create(WIDGETS, widget('by-a'));

  a.proxy.stall();
  await eventually(() => {
    expect([a.elector.isLeader(), b.elector.isLeader()]).not.toEqual([true, true]);
    expect(b.elector.isLeader()).toBe(true);
  });
  await a.proxy.pass();
  await expect(gated.create(WIDGETS, widget('too-late'))).rejects.toThrow(NotLeaderError);
  await eventually(() => expect(a.lost).toHaveLength(1));
  await Promise.all([a.stop(), b.stop()]);
});

test('a leader that stops cleanly hands over, and the Lease on the server says who leads', async () => {
  const a = await candidate('clean', 'a');
  await eventually(() => expect(a.elector.isLeader()).toBe(true));
  const b = await candidate('clean', 'b');
  await a.stop();
  await eventually(() => expect(b.elector.isLeader()).toBe(true));
  const lease = await client.get(LEASES, { namespace: 'default', name: 'clean' });
  expect(lease.spec).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 3, leaseTransitions: 1 });
  expect(a.lost).toEqual([]);
  await b.stop();
});

test('a Lease that somebody deletes ends its leader', async () => {
  const a = await candidate('deleted', 'a');
  await eventually(() => expect(a.elector.isLeader()).toBe(true));
  await client.delete(LEASES, { namespace: 'default', name: 'deleted' });
  await eventually(() => expect(a.lost).toEqual(['the Lease was deleted']));
  await a.stop();
});

test('an Event is accepted by the API server and refers to its object', async () => {
  const about = await client.create(WIDGETS, widget('eventful'));
  let count = 0;
  const recorder = new EventRecorder({
    client,
    clock: systemClock,
    log: silentLogger,
    controller: 'test.nixfleet.dev/operator',
    instance: 'pod-1',
    uniqueSuffix: () => String((count += 1)),
  });
  recorder.record({ about, type: 'Warning', reason: 'Tested', message: 'x'.repeat(5_000) });
  await recorder.idle();
  const event = await client.get(EVENTS, { namespace: 'default', name: 'eventful.1' });
  expect(event).toMatchObject({ reason: 'Tested', regarding: { kind: 'Widget', uid: about.metadata.uid } });
  expect(Buffer.byteLength(event.note)).toBeLessThanOrEqual(1024);
});
