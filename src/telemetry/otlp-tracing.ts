import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { SdkTracing } from './sdk-tracing.ts';
import type { TracedProcess, Tracing, TracingOptions } from './tracing.ts';
import { WatchedExporter } from './watched-exporter.ts';

/** Spans that wait to be sent; more are dropped. */
const QUEUE_LIMIT = 2048;
/** Spans per request to the collector. */
const BATCH = 512;

/**
 * Tracing to a collector by OTLP over HTTP, in JSON. Headers, certificates, time limit and compression come from the
 * standard variables (`OTEL_EXPORTER_OTLP_HEADERS`, …), as do more resource attributes (`OTEL_RESOURCE_ATTRIBUTES`).
 */
export function openOtlpTracing({ tracesUrl, sampleRatio }: TracingOptions, process: TracedProcess): Tracing {
  const exporter = new WatchedExporter(new OTLPTraceExporter({ url: tracesUrl }), tracesUrl);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'nixfleet-operator',
      'service.instance.id': process.hostname,
      'k8s.namespace.name': process.namespace,
      'k8s.pod.name': process.hostname,
    }).merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, maxQueueSize: QUEUE_LIMIT, maxExportBatchSize: BATCH }),
    ],
  });
  return new SdkTracing(provider, (log) => exporter.reportTo(log));
}
