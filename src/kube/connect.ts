import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from './clock.ts';
import { HttpKubeClient } from './http-client.ts';
import type { KubeClient } from './kube-client.ts';
import type { RuntimeMetrics } from './runtime-metrics.ts';
import type { RateLimit } from './token-bucket.ts';
import type { Tracer } from './tracer.ts';
import { PooledTransport } from './transport.ts';

/** What a client to a real API server needs. */
export interface ConnectOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly metrics?: RuntimeMetrics;
  readonly tracer?: Tracer | undefined;
  readonly limit?: RateLimit;
  /** Connections for requests (16). */
  readonly connections?: number;
}

/** A client over pooled connections; nothing is sent yet. */
export function connect(options: ConnectOptions): KubeClient {
  const { config, clock, connections } = options;
  const transport = new PooledTransport({ config, clock, ...(connections !== undefined && { connections }) });
  return new HttpKubeClient({
    transport,
    clock,
    random: options.random,
    ...(options.metrics && { metrics: options.metrics }),
    tracer: options.tracer,
    ...(options.limit && { limit: options.limit }),
  });
}
