import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { silentLogger, type Logger } from '../kube/logger.ts';

/** An exporter that says once when spans do not arrive any more, and once when they arrive again. */
export class WatchedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #destination: string;
  #log: Logger = silentLogger;
  #failing = false;
  #lost = 0;

  /** `destination` is named in what is said. */
  constructor(exporter: SpanExporter, destination: string) {
    this.#exporter = exporter;
    this.#destination = destination;
  }

  /** Where it is said. */
  reportTo(log: Logger): void {
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) this.#arrived();
      else this.#failed(spans.length, result.error);
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #arrived(): void {
    if (this.#failing) this.#log.info({ to: this.#destination, lost: this.#lost }, 'spans can be sent again');
    this.#failing = false;
    this.#lost = 0;
  }

  #failed(spans: number, err: unknown): void {
    this.#lost += spans;
    if (!this.#failing)
      this.#log.warn(
        { err, to: this.#destination },
        'spans cannot be sent and are lost; nothing else is affected',
      );
    this.#failing = true;
  }
}
