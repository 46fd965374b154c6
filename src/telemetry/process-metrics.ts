import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** Watches the event loop, on which everything in this process waits. */
export interface EventLoopMonitor {
  /** 99th percentile of the delay in the last full window, in milliseconds. */
  p99Ms(): number;
  stop(): void;
}

/** Starts to measure the event loop's delay in windows of `windowMs`. */
export function monitorEventLoop(windowMs = 10_000): EventLoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: 20 });
  histogram.enable();
  let last = 0;
  const timer = setInterval(() => {
    last = histogram.percentile(99) / 1e6;
    histogram.reset();
  }, windowMs);
  timer.unref();
  return {
    p99Ms: () => last,
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

/** Registers memory, CPU and event-loop delay of this process. */
export function registerProcessMetrics(metrics: Metrics, loop: EventLoopMonitor): void {
  metrics.gauge(
    { name: 'nodejs_eventloop_lag_p99_seconds', help: '99th percentile of the event loop’s delay.' },
    (gauge) => gauge.set(loop.p99Ms() / 1000),
  );
  metrics.gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory.' }, (gauge) =>
    gauge.set(process.memoryUsage.rss()),
  );
  metrics.gauge({ name: 'nodejs_heap_size_used_bytes', help: 'Heap in use.' }, (gauge) =>
    gauge.set(process.memoryUsage().heapUsed),
  );
  metrics.counter({ name: 'process_cpu_seconds_total', help: 'CPU time used, user and system.' }, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
