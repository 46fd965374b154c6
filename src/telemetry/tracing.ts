import type { Logger } from '../kube/logger.ts';
import { noTracer, type Tracer } from '../kube/tracer.ts';

/** Where spans go, and how many of them. */
export interface TracingOptions {
  /** What spans are sent to by OTLP over HTTP, in full: `http://collector:4318/v1/traces`. */
  readonly tracesUrl: string;
  /** The share of traces that is kept, 0 to 1. */
  readonly sampleRatio: number;
}

/** Who the spans are from. */
export interface TracedProcess {
  readonly namespace: string;
  /** Host name, which is the Pod's. */
  readonly hostname: string;
}

/** What makes a line of the log findable from a trace. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

/** Tracing of one process, on or off. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Of the span that the caller works in; undefined outside of one that is kept. */
  ids(): TraceIds | undefined;
  /** Where it is told that spans cannot be sent, and that they can again. */
  reportTo(log: Logger): void;
  /** Sends what waits and takes no more. Can take as long as the collector lets it wait; never rejects. */
  stop(): Promise<void>;
}

/** Tracing that is off. */
export const noTracing: Tracing = {
  tracer: noTracer,
  ids: () => undefined,
  reportTo: () => undefined,
  stop: () => Promise.resolve(),
};
