import { SpanStatusCode } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { SdkTracing } from '../../src/telemetry/sdk-tracing.ts';

/** Tracing by the SDK whose spans stay in memory. */
export interface SpanMemory {
  readonly tracing: SdkTracing;
  /** Spans that have ended, in the order of their ends. */
  readonly spans: () => readonly ReadableSpan[];
  /** The ended span of a name; throws where there is not exactly one. */
  readonly span: (name: string) => ReadableSpan;
  /** Ended spans by name, children below their parents, in the order in which they began; `!` marks what failed. */
  readonly tree: () => string[];
}

/** Keeps every span, or the given share of traces. */
export function rememberSpans(sampleRatio = 1): SpanMemory {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  return {
    tracing: new SdkTracing(provider),
    spans,
    span: (name) => {
      const [found, ...others] = spans().filter((span) => span.name === name);
      if (found === undefined || others.length > 0) {
        throw new Error(`${others.length + (found ? 1 : 0)} spans are named ${name}`);
      }
      return found;
    },
    tree: () => {
      const known = new Set(spans().map((span) => span.spanContext().spanId));
      return below(spans(), (parent) => parent === undefined || !known.has(parent), '');
    },
  };
}

function below(
  spans: readonly ReadableSpan[],
  isParent: (spanId: string | undefined) => boolean,
  indent: string,
): string[] {
  return spans
    .filter(({ parentSpanContext }) => isParent(parentSpanContext?.spanId))
    .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
    .flatMap((span) => {
      const { spanId } = span.spanContext();
      const failed = span.status.code === SpanStatusCode.ERROR ? ' !' : '';
      return [
        `${indent}${span.name}${failed}`,
        ...below(spans, (parent) => parent === spanId, `${indent}  `),
      ];
    });
}
