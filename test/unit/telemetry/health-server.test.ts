import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { noMetrics } from '../../../src/kube/runtime-metrics.ts';
import { WorkQueue } from '../../../src/kube/work-queue.ts';
import {
  eventLoopCheck,
  startHealthServer,
  stuckWorkerCheck,
  type HealthServer,
  type HealthServerOptions,
} from '../../../src/telemetry/health-server.ts';
import { registerKubeMetrics } from '../../../src/telemetry/kube-metrics.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import { monitorEventLoop, registerProcessMetrics } from '../../../src/telemetry/process-metrics.ts';

let server: HealthServer | undefined;

afterEach(() => server?.close());

async function ask(
  path: string,
  options: Partial<HealthServerOptions> = {},
): Promise<{ status: number; body: string }> {
  server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    live: [],
    ready: [],
    metrics: new Metrics(),
    ...options,
  });
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return { status: response.status, body: await response.text() };
}

test('readiness names every check and the reason of those that fail', async () => {
  const ready = [
    { name: 'listener', check: () => undefined },
    { name: 'hosts-cache', check: () => 'the first list has not ended' },
  ];
  expect(await ask('/readyz', { ready })).toEqual({
    status: 503,
    body: '[+] listener ok\n[-] hosts-cache: the first list has not ended\n',
  });
});

test('liveness does not depend on readiness', async () => {
  const ready = [{ name: 'cache', check: () => 'no' }];
  expect(await ask('/livez', { ready })).toEqual({ status: 200, body: 'ok\n' });
});

test('a worker that never gives its key back ends liveness', async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ name: 'record', clock });
  queue.add('a/b');
  await queue.get();
  const check = stuckWorkerCheck(() => [queue], 60_000);
  expect(check.check()).toBeUndefined();
  await clock.advance(60_001);
  expect(check.check()).toBe('record has worked on one key for 60001 ms');
});

test('an event loop that lags ends liveness', () => {
  let lag = 10;
  const check = eventLoopCheck(() => lag, 5000);
  expect(check.check()).toBeUndefined();
  lag = 6000;
  expect(check.check()).toContain('6000 ms');
});

test('other paths and methods are refused', async () => {
  expect((await ask('/debug')).status).toBe(404);
  const post = await fetch(`http://127.0.0.1:${server?.port ?? 0}/livez`, { method: 'POST' });
  expect(post.status).toBe(405);
});

test('metrics carry the common names of the runtime, and those that a room adds', async () => {
  const metrics = new Metrics();
  const clock = new ManualClock();
  const queue = new WorkQueue({ name: 'record', clock, metrics: noMetrics });
  const runtime = registerKubeMetrics(metrics, () => [queue]);
  const loop = monitorEventLoop();
  registerProcessMetrics(metrics, loop);
  metrics.gauge({ name: 'nixfleet_hosts', help: 'Hosts.', labels: ['state'] }).set(3, { state: 'Pending' });
  runtime.reconciled('record', 'error', 0.2);
  runtime.request('update-status', 'hosts', '409', 0.01);
  runtime.leader('nixfleet', true);
  runtime.relisted('hosts', 'expired');
  queue.add('a/b');
  await queue.get();
  await clock.advance(1500);
  const { body } = await ask('/metrics', { metrics });
  loop.stop();
  for (const line of [
    'controller_runtime_reconcile_total{controller="record",result="error"} 1',
    'controller_runtime_reconcile_errors_total{controller="record"} 1',
    'rest_client_requests_total{code="409",method="update-status",resource="hosts"} 1',
    'leader_election_master_status{name="nixfleet"} 1',
    'reflector_lists_total{resource="hosts",reason="expired"} 1',
    'workqueue_longest_running_processor_seconds{name="record"} 1.5',
    'nixfleet_hosts{state="Pending"} 3',
  ]) {
    expect(body).toContain(`${line}\n`);
  }
  expect(body).toMatch(/process_cpu_seconds_total \d/);
});
