import type { RuntimeMetrics } from '../kube/runtime-metrics.ts';
import type { CounterHandle, GaugeHandle, HistogramHandle, Metrics } from './metrics.ts';

/** What a queue can be asked at scrape time. */
export interface QueueProbe {
  readonly name: string;
  readonly longestRunningMs: number;
  readonly unfinishedMs: number;
}

/** Registers the runtime's metrics under the names that controller-runtime made common, so that dashboards fit. */
export function registerKubeMetrics(metrics: Metrics, queues: () => Iterable<QueueProbe>): RuntimeMetrics {
  registerQueueProbes(metrics, queues);
  return {
    ...clientMetrics(metrics),
    ...queueMetrics(metrics),
    ...controllerMetrics(metrics),
    ...otherMetrics(metrics),
  };
}

function clientMetrics(metrics: Metrics): Pick<RuntimeMetrics, 'request' | 'rateLimited'> {
  const requests: CounterHandle = metrics.counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by outcome.',
    labels: ['code', 'method', 'resource'],
  });
  const durations: HistogramHandle = metrics.histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Time until a request to the API server was answered.',
    labels: ['verb', 'resource'],
  });
  const limited: HistogramHandle = metrics.histogram({
    name: 'rest_client_rate_limiter_duration_seconds',
    help: 'Time a request waited for the client’s own rate limit.',
  });
  return {
    request(verb, resource, code, seconds) {
      requests.add({ code, method: verb, resource });
      // A watch is answered when it opens; its length is not a latency.
      if (verb !== 'watch') durations.observe(seconds, { verb, resource });
    },
    rateLimited: (seconds) => limited.observe(seconds),
  };
}

function queueMetrics(
  metrics: Metrics,
): Pick<RuntimeMetrics, 'queueDepth' | 'queueAdded' | 'queueWaited' | 'queueWorked' | 'queueRetried'> {
  const labels = ['name'];
  const depth = metrics.gauge({ name: 'workqueue_depth', help: 'Keys that wait for a worker.', labels });
  const adds = metrics.counter({ name: 'workqueue_adds_total', help: 'Keys added.', labels });
  const waits = metrics.histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Time a key waited for a worker.',
    labels,
  });
  const works = metrics.histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Time a worker held a key.',
    labels,
  });
  const retries = metrics.counter({
    name: 'workqueue_retries_total',
    help: 'Keys put back after a failure.',
    labels,
  });
  return {
    queueDepth: (name, value) => depth.set(value, { name }),
    queueAdded: (name) => adds.add({ name }),
    queueWaited: (name, seconds) => waits.observe(seconds, { name }),
    queueWorked: (name, seconds) => works.observe(seconds, { name }),
    queueRetried: (name) => retries.add({ name }),
  };
}

function controllerMetrics(metrics: Metrics): Pick<RuntimeMetrics, 'reconciled' | 'workers'> {
  const total = metrics.counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result.',
    labels: ['controller', 'result'],
  });
  const errors = metrics.counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed other than by a lost race.',
    labels: ['controller'],
  });
  const times = metrics.histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time of one reconcile.',
    labels: ['controller'],
  });
  const active: GaugeHandle = metrics.gauge({
    name: 'controller_runtime_active_workers',
    help: 'Workers that hold a key.',
    labels: ['controller'],
  });
  const most: GaugeHandle = metrics.gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Workers of a controller.',
    labels: ['controller'],
  });
  return {
    reconciled(controller, result, seconds) {
      total.add({ controller, result });
      if (result === 'error') errors.add({ controller });
      times.observe(seconds, { controller });
    },
    workers(controller, busy, limit) {
      active.set(busy, { controller });
      most.set(limit, { controller });
    },
  };
}

function otherMetrics(
  metrics: Metrics,
): Pick<RuntimeMetrics, 'relisted' | 'watchEnded' | 'leader' | 'eventDropped'> {
  const relists = metrics.counter({
    name: 'reflector_lists_total',
    help: 'Whole collections read, by cause.',
    labels: ['resource', 'reason'],
  });
  const watches = metrics.counter({
    name: 'reflector_watches_ended_total',
    help: 'Watches that ended, by cause.',
    labels: ['resource', 'cause'],
  });
  const leader = metrics.gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process holds the Lease (1) or not (0).',
    labels: ['name'],
  });
  const dropped = metrics.counter({
    name: 'events_dropped_total',
    help: 'Events not sent, by cause.',
    labels: ['cause'],
  });
  return {
    relisted: (resource, reason) => relists.add({ resource, reason }),
    watchEnded: (resource, cause) => watches.add({ resource, cause }),
    leader: (name, leading) => leader.set(leading ? 1 : 0, { name }),
    eventDropped: (cause) => dropped.add({ cause }),
  };
}

function registerQueueProbes(metrics: Metrics, queues: () => Iterable<QueueProbe>): void {
  const labels = ['name'];
  metrics.gauge(
    {
      name: 'workqueue_longest_running_processor_seconds',
      help: 'How long the slowest worker has held its key.',
      labels,
    },
    (gauge) => {
      for (const { name, longestRunningMs } of queues()) gauge.set(longestRunningMs / 1000, { name });
    },
  );
  metrics.gauge(
    {
      name: 'workqueue_unfinished_work_seconds',
      help: 'Summed time that workers have held their keys.',
      labels,
    },
    (gauge) => {
      for (const { name, unfinishedMs } of queues()) gauge.set(unfinishedMs / 1000, { name });
    },
  );
}
