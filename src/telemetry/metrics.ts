import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Names of a metric's labels. */
type Labels = readonly string[];

/** Values of labels by name. */
export type LabelValues = Readonly<Record<string, string>>;

/** A count that only grows. */
export interface CounterHandle {
  add(labels?: LabelValues, count?: number): void;
}

/** A value that goes up and down. `remove` drops the series of an object that is gone. */
export interface GaugeHandle {
  set(value: number, labels?: LabelValues): void;
  remove(labels: LabelValues): void;
  clear(): void;
}

/** A distribution, in seconds unless its name says otherwise. */
export interface HistogramHandle {
  observe(value: number, labels?: LabelValues): void;
}

/** Name (prefix_subsystem_name_unit), meaning and labels of a metric. Never put an unbounded name into a label of a histogram. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels?: Labels;
}

/** Where rooms register what they count; the only place that knows the metrics library. */
export class Metrics {
  readonly #registry = new Registry();

  /** Registers a counter. Throws where the name is taken. `read`, if given, tells the total at each scrape. */
  counter(definition: MetricDefinition, read?: () => number): CounterHandle {
    const counter = new Counter({
      ...this.#common(definition),
      ...(read && {
        collect() {
          counter.reset();
          counter.inc(read());
        },
      }),
    });
    return { add: (labels = {}, count = 1) => counter.inc(labels, count) };
  }

  /** Registers a gauge. `collect`, if given, is called before each scrape to set it. */
  gauge(definition: MetricDefinition, collect?: (gauge: GaugeHandle) => void): GaugeHandle {
    const gauge = new Gauge({
      ...this.#common(definition),
      ...(collect && { collect: () => collect(handle) }),
    });
    const handle: GaugeHandle = {
      set: (value, labels = {}) => gauge.set(labels, value),
      remove: (labels) => gauge.remove(labels),
      clear: () => gauge.reset(),
    };
    return handle;
  }

  /** Registers a histogram; bucket bounds in the unit of its name. */
  histogram(definition: MetricDefinition & { readonly buckets?: readonly number[] }): HistogramHandle {
    const histogram = new Histogram({
      ...this.#common(definition),
      buckets: [...(definition.buckets ?? SECONDS)],
    });
    return { observe: (value, labels = {}) => histogram.observe(labels, value) };
  }

  /** Everything registered, in the text format of Prometheus. */
  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #common(definition: MetricDefinition): {
    name: string;
    help: string;
    labelNames: string[];
    registers: Registry[];
  } {
    const { name, help, labels = [] } = definition;
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
