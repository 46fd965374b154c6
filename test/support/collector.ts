import { z } from 'zod';
import { json, ScriptedServer, type Answer, type SeenRequest } from './scripted-server.ts';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Absent where the span is the first of its trace. */
  readonly parentSpanId: string | undefined;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly failed: boolean;
}

const attributesSchema = z
  .array(
    z.object({
      key: z.string(),
      value: z.union([
        z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
        z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
        z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
      ]),
    }),
  )
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));

const spanSchema = z
  .object({
    name: z.string(),
    traceId: z.string().regex(/^[0-9a-f]{32}$/),
    spanId: z.string().regex(/^[0-9a-f]{16}$/),
    parentSpanId: z.string().optional(),
    attributes: attributesSchema,
    status: z.object({ code: z.number().optional() }),
  })
  .transform(({ status, parentSpanId, ...span }): ReceivedSpan => {
    return { ...span, parentSpanId, failed: status.code === 2 };
  });

const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

/** What a collector says that has taken everything. */
export const taken: Answer = json(200, {});

/** A collector that takes traces by OTLP over HTTP, in JSON. */
export class Collector {
  readonly #server: ScriptedServer;

  private constructor(server: ScriptedServer) {
    this.#server = server;
  }

  /** Answers as told, the last way for ever; takes everything where nothing is told. */
  static async start(...answers: Answer[]): Promise<Collector> {
    return new Collector(await ScriptedServer.start(...(answers.length === 0 ? [taken] : answers)));
  }

  /** The endpoint, as flags and variables name it. */
  get endpoint(): string {
    return this.#server.config().getCurrentCluster()?.server ?? '';
  }

  get requests(): readonly SeenRequest[] {
    return this.#server.requests;
  }

  /** Every span that was sent, whatever was answered. */
  spans(): ReceivedSpan[] {
    return this.#sent().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  }

  /** Of those who sent spans, in the order of requests. */
  resources(): ReceivedSpan['attributes'][] {
    return this.#sent().map(({ resource }) => resource.attributes);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #sent(): z.output<typeof requestSchema>['resourceSpans'] {
    return this.requests.flatMap(({ body }) => requestSchema.parse(JSON.parse(body)).resourceSpans);
  }
}
