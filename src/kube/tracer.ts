/** What a span says about its work: for people who search, so never a secret. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span while its work goes on. */
export interface Span {
  /** Says more about the work. */
  add(attributes: SpanAttributes): void;
  /** Marks work as failed that does not throw. */
  fail(error: unknown): void;
}

/** How a span begins. */
export interface SpanStart {
  /** One of a small set: no object, host or release by name. */
  readonly name: string;
  /** Whether it answers a request from outside or makes one; neither where absent. */
  readonly kind?: 'server' | 'client';
  /** Begins a trace of its own, whatever work the caller belongs to. */
  readonly root?: boolean;
  readonly attributes?: SpanAttributes;
}

/** Follows work as it is done. Implementations must not throw. */
export interface Tracer {
  /**
   * Does the work as a span, under the span of whoever calls, and gives back what the work does. The span ends when the
   * work has returned, or its promise has settled; an error marks it as failed.
   */
  span<R>(start: SpanStart, work: (span: Span) => R): R;
}

const noSpan: Span = { add: () => undefined, fail: () => undefined };

/** Follows nothing. */
export const noTracer: Tracer = { span: (_, work) => work(noSpan) };
