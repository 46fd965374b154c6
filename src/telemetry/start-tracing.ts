import { noTracing, type TracedProcess, type Tracing, type TracingOptions } from './tracing.ts';

/** Switches tracing on where there are options; the SDK is loaded only then. */
export async function startTracing(
  options: TracingOptions | undefined,
  process: TracedProcess,
): Promise<Tracing> {
  if (options === undefined) return noTracing;
  const { openOtlpTracing } = await import('./otlp-tracing.ts');
  return openOtlpTracing(options, process);
}
