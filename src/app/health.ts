import type { WorkQueue } from '../kube/work-queue.ts';
import {
  eventLoopCheck,
  startHealthServer,
  stuckWorkerCheck,
  type HealthCheck,
  type HealthServer,
} from '../telemetry/health-server.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { EventLoopMonitor } from '../telemetry/process-metrics.ts';
import type { ListenAddress } from './options.ts';

/** What an operator's health is judged by. */
export interface OperatorHealth {
  readonly listen: ListenAddress;
  readonly metrics: Metrics;
  readonly loop: EventLoopMonitor;
  readonly queues: () => readonly WorkQueue[];
  /** Whether the caches are there. */
  readonly caches: HealthCheck;
  /** Ready only when this is `serving`. */
  readonly state: () => string;
}

/** Serves `/livez`, `/readyz` and `/metrics`. */
export function startHealth(health: OperatorHealth): Promise<HealthServer> {
  const { loop, queues, state } = health;
  const serving: HealthCheck = {
    name: 'serving',
    check: () => (state() === 'serving' ? undefined : state()),
  };
  return startHealthServer({
    ...health.listen,
    live: [eventLoopCheck(() => loop.p99Ms()), stuckWorkerCheck(queues)],
    ready: [health.caches, serving],
    metrics: health.metrics,
  });
}
