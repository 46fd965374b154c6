import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/app/option-flag.ts';
import { tracingOf } from '../../../src/app/tracing-options.ts';

/** Where spans go, or the complaint. */
function traced(endpoint?: string, env: Record<string, string> = {}, ratio = '1'): string | undefined {
  try {
    return tracingOf(endpoint, ratio, env)?.tracesUrl;
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
}

describe('tracing', () => {
  it('is off where nobody names a collector', () => {
    expect(traced()).toBeUndefined();
    expect(traced(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
  });

  it.for([
    ['http://collector:4318', 'http://collector:4318/v1/traces'],
    ['https://otlp.example/otlp/', 'https://otlp.example/otlp/v1/traces'],
  ])('goes to the endpoint %s', ([endpoint, url]) => {
    expect(traced(endpoint)).toBe(url);
    expect(traced(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint ?? '' })).toBe(url);
  });

  it('takes the flag before the variable for traces, and that before the one for everything', () => {
    const env = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/here',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
    };
    expect(traced('http://flag:4318', env)).toBe('http://flag:4318/v1/traces');
    expect(traced(undefined, env)).toBe('http://traces:4318/here');
  });

  it.for([
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_SDK_DISABLED', 'TRUE'],
    ['OTEL_TRACES_EXPORTER', 'none'],
  ])('is switched off by %s=%s', ([variable, value]) => {
    expect(traced('http://collector:4318', { [variable ?? '']: value ?? '' })).toBeUndefined();
  });

  it('keeps the share of traces that is asked for', () => {
    const kept = (ratio: string) => tracingOf('http://collector:4318', ratio, {})?.sampleRatio;
    expect(['0', '0.25', '1'].map(kept)).toEqual([0, 0.25, 1]);
  });

  it.for(['', 'half', '-0.1', '1.1', 'NaN'])('refuses the ratio "%s"', (ratio) => {
    expect(traced('http://collector:4318', {}, ratio)).toBe(
      `--trace-sample-ratio is "${ratio}": give a number from 0 to 1`,
    );
  });

  it('refuses what cannot be sent to, and says what to give', () => {
    expect(traced('collector:4318')).toContain('--otlp-endpoint is "collector:4318": give a URL');
    expect(traced(undefined, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'nowhere' })).toContain(
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is "nowhere"',
    );
    expect(traced('http://collector:4317', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toContain('http/json');
  });

  it('refuses credentials in a URL, which is logged, without repeating them', () => {
    const complaint = traced('https://me:s3cret@collector:4318');
    expect(complaint).toContain('OTEL_EXPORTER_OTLP_HEADERS');
    expect(complaint).not.toContain('s3cret');
  });
});
