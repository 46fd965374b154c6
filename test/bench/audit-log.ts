import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const lineSchema = z.object({
  verb: z.string(),
  userAgent: z.string().optional(),
  requestReceivedTimestamp: z.string(),
  objectRef: z.object({
    resource: z.string(),
    name: z.string().optional(),
    subresource: z.string().optional(),
  }),
  responseStatus: z.object({ code: z.int() }).optional(),
  requestObject: z.record(z.string(), z.unknown()).optional(),
  responseObject: z.record(z.string(), z.unknown()).optional(),
});

/** One write as the API server logged it. */
export interface LoggedWrite {
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly at: number;
  readonly code: number;
  /** What was sent. */
  readonly object: Readonly<Record<string, unknown>>;
}

/** The writes of an audit log whose client calls itself so, in order. */
export async function* loggedWrites(path: string, userAgent: RegExp): AsyncGenerator<LoggedWrite> {
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const line = lineSchema.safeParse(JSON.parse(text));
    if (!line.success || !userAgent.test(line.data.userAgent ?? '')) continue;
    const { verb, objectRef, responseStatus, requestObject, responseObject } = line.data;
    const metadata = requestObject?.['metadata'] ?? responseObject?.['metadata'];
    const named = z.object({ name: z.string() }).safeParse(metadata);
    yield {
      verb,
      resource: objectRef.resource,
      subresource: objectRef.subresource ?? '',
      name: objectRef.name ?? (named.success ? named.data.name : ''),
      at: Date.parse(line.data.requestReceivedTimestamp),
      code: responseStatus?.code ?? 0,
      object: requestObject ?? {},
    };
  }
}
