import type { TracingOptions } from '../telemetry/tracing.ts';
import { OptionError, type Flag } from './option-flag.ts';

/** The flags that switch tracing on. */
export const TRACING_FLAGS: readonly Flag[] = [
  {
    name: 'otlp-endpoint',
    value: 'URL',
    help: 'collector to send traces to, such as http://collector:4318; default: $OTEL_EXPORTER_OTLP_ENDPOINT, then none',
  },
  { name: 'trace-sample-ratio', value: 'RATIO', help: 'share of the traces to send, 0 to 1', default: '1' },
];

/**
 * Where traces go: the flag, then the standard variables `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (in full) and
 * `OTEL_EXPORTER_OTLP_ENDPOINT`. Undefined where none is given, or where `OTEL_SDK_DISABLED` or
 * `OTEL_TRACES_EXPORTER=none` switch tracing off. Throws `OptionError`.
 */
export function tracingOf(
  endpoint: string | undefined,
  ratio: string,
  env: NodeJS.ProcessEnv,
): TracingOptions | undefined {
  const sampleRatio = ratioOf(ratio);
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  const off = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  const tracesUrl =
    fromBase('--otlp-endpoint', endpoint) ??
    fromFull('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', env) ??
    fromBase('OTEL_EXPORTER_OTLP_ENDPOINT', env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  if (off || tracesUrl === undefined) return undefined;
  if (protocol === 'grpc') {
    throw new OptionError(
      'OTEL_EXPORTER_OTLP_PROTOCOL is grpc: give http/json and the HTTP port of the collector (4318)',
    );
  }
  return { tracesUrl, sampleRatio };
}

function fromFull(variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const text = env[variable];
  return text === undefined || text === '' ? undefined : urlOf(variable, text).href;
}

function fromBase(name: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = urlOf(name, text);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function urlOf(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new OptionError(`${name} is "${text}": give a URL such as http://collector:4318`);
  }
  // The URL is logged where it cannot be reached.
  if (url.username !== '' || url.password !== '') {
    throw new OptionError(`${name} holds a user or password: give credentials in OTEL_EXPORTER_OTLP_HEADERS`);
  }
  return url;
}

function ratioOf(text: string): number {
  const ratio = Number(text);
  if (text.trim() === '' || !(ratio >= 0 && ratio <= 1)) {
    throw new OptionError(`--trace-sample-ratio is "${text}": give a number from 0 to 1`);
  }
  return ratio;
}
