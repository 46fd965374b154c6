import type { IncomingMessage } from 'node:http';
import { bare, json, type Answer } from './answer.ts';

/** The major version of the protocol that is spoken here. */
const PROTOCOL = 1;

/** Agents look for this text while they enrol, so it stays as it is to the letter (agent-protocol.md §1.1). */
export const notReady: Answer = json(
  503,
  '{"error":"control plane not ready","reason":"awaiting first signed artifact"}',
  { 'retry-after': '30' },
);

/**
 * The layers before identity, outermost first: no content in force → 503, protocol header that is no integer → 400, of
 * another version → 426. Undefined where the request may go on. Agents need not send the header.
 */
export function judgeLayers(request: IncomingMessage, ready: boolean): Answer | undefined {
  if (!ready) return notReady;
  const header = request.headers['x-nixfleet-protocol'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^\+?\d{1,10}$/.test(header)) return bare(400);
  return Number(header) === PROTOCOL ? undefined : bare(426);
}
