import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Span as SdkSpan,
  type Tracer as SdkTracer,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../kube/logger.ts';
import type { Span, SpanAttributes, SpanStart, Tracer } from '../kube/tracer.ts';
import type { TraceIds, Tracing } from './tracing.ts';

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const SCOPE = 'nixfleet-operator';

/**
 * Tracing by the OpenTelemetry SDK. Nothing is registered globally: which span is the current one is known to this
 * object alone, so that two operators in one process do not mix.
 */
export class SdkTracing implements Tracing, Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: SdkTracer;
  readonly #current = new AsyncLocalStorageContextManager();
  readonly #onLog: (log: Logger) => void;

  constructor(provider: TracerProvider, onLog: (log: Logger) => void = () => undefined) {
    this.#provider = provider;
    this.#tracer = provider.getTracer(SCOPE);
    this.#onLog = onLog;
  }

  get tracer(): Tracer {
    return this;
  }

  span<R>({ name, kind, root = false, attributes = {} }: SpanStart, work: (span: Span) => R): R {
    const around = root ? ROOT_CONTEXT : this.#current.active();
    const options = { attributes: { ...attributes }, ...(kind && { kind: KINDS[kind] }) };
    const sdkSpan = this.#tracer.startSpan(name, options, around);
    const span = new RunningSpan(sdkSpan);
    try {
      const result = this.#current.with(trace.setSpan(around, sdkSpan), () => work(span));
      if (result instanceof Promise) void result.then(() => sdkSpan.end(), endFailed(span, sdkSpan));
      else sdkSpan.end();
      return result;
    } catch (error) {
      endFailed(span, sdkSpan)(error);
      throw error;
    }
  }

  ids(): TraceIds | undefined {
    const current = trace.getSpanContext(this.#current.active());
    if (current === undefined || (current.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    return { trace_id: current.traceId, span_id: current.spanId };
  }

  reportTo(log: Logger): void {
    this.#onLog(log);
  }

  async stop(): Promise<void> {
    // What could not be sent has been reported by the exporter.
    await this.#provider.shutdown().catch(() => undefined);
  }
}

function endFailed(span: Span, sdkSpan: SdkSpan): (error: unknown) => void {
  return (error) => {
    span.fail(error);
    sdkSpan.end();
  };
}

class RunningSpan implements Span {
  readonly #span: SdkSpan;

  constructor(span: SdkSpan) {
    this.#span = span;
  }

  add(attributes: SpanAttributes): void {
    this.#span.setAttributes({ ...attributes });
  }

  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#span.setAttribute('error.type', error instanceof Error ? error.name : 'error');
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
}
