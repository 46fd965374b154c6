import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { readJson, type Body } from './body.ts';

/** What routes use of a request, wherever it comes from. */
export type AgentCall = Pick<AgentRequest, 'parameter' | 'query' | 'json' | 'gone' | 'onGone'>;

/** A request that came over a connection. */
export class AgentRequest {
  /** The variable part of the path, decoded; empty where the route has none. */
  readonly parameter: string;
  /** The query without its question mark. */
  readonly query: string;
  readonly #raw: IncomingMessage;

  constructor(raw: IncomingMessage, parameter: string, query: string) {
    this.#raw = raw;
    this.parameter = parameter;
    this.query = query;
  }

  /** Reads the body as JSON of the given shape, or says what is wrong with it. */
  json<Schema extends z.ZodType>(schema: Schema): Promise<Body<z.output<Schema>>> {
    return readJson(this.#raw, schema);
  }

  /** Whether nobody waits for the answer any more. */
  get gone(): boolean {
    return this.#raw.socket.destroyed;
  }

  /** Calls `fn` once when the connection ends; returns the removal. */
  onGone(fn: () => void): () => void {
    const { socket } = this.#raw;
    socket.once('close', fn);
    return () => socket.off('close', fn);
  }
}
