import type { ServerResponse } from 'node:http';

/** What a route answers. Handler errors are a bare status (agent-protocol.md §1.1). */
export interface Answer {
  readonly status: number;
  readonly body?: string | Uint8Array | undefined;
  readonly contentType?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The connection is closed after this answer. */
  readonly close?: boolean | undefined;
}

/** A status and nothing else. */
export function bare(status: number): Answer {
  return bareAnswers.get(status) ?? { status };
}

/** Stored, or to be ignored: either way the host is done with it. */
export const noContent: Answer = { status: 204 };

const bareAnswers = new Map<number, Answer>(
  [204, 400, 401, 403, 404, 405, 426, 500, 503].map((status) => [
    status,
    status === 204 ? noContent : { status },
  ]),
);

/** A JSON document. */
export function json(status: number, document: string, headers?: Readonly<Record<string, string>>): Answer {
  return { status, body: document, contentType: 'application/json', headers };
}

/** What is wrong with a request, for people; agents look at the status only. */
export function plain(status: number, message: string): Answer {
  return { status, body: message, contentType: 'text/plain; charset=utf-8' };
}

/** Sends an answer; nothing happens where the other side has gone. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  const { body } = answer;
  const headers: Record<string, string | number> = { ...answer.headers };
  if (answer.contentType !== undefined) headers['content-type'] = answer.contentType;
  if (answer.status !== 204) headers['content-length'] = body === undefined ? 0 : Buffer.byteLength(body);
  if (answer.close === true) headers['connection'] = 'close';
  response.writeHead(answer.status, headers);
  response.end(body);
}
