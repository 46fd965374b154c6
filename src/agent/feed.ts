/** What simulated hosts tell whoever watches them. */
import type { AgentEventKind } from '../api/wire/events.ts';
import type { HostState } from '../api/wire/enums.ts';
import type { Timestamp } from '../api/time.ts';

/** The parts of an agent that can report trouble. */
export type AgentPart =
  'boot' | 'heartbeat' | 'longpoll' | 'manifest-poll' | 'outbox' | 'reducer' | 'activation';

/** One thing that happened to a host. */
export type AgentFeedEvent =
  | { readonly type: 'started' | 'stopped' | 'offline' | 'online' | 'rebooted' }
  | { readonly type: 'heartbeat'; readonly snapshots: number }
  | { readonly type: 'dispatch'; readonly rolloutId: string; readonly target: string }
  /** A dispatch the agent would not take; nobody is told (agent-protocol.md §3.5). */
  | { readonly type: 'dispatch-refused'; readonly rolloutId: string; readonly reason: string }
  /** The agent's own record moved. */
  | { readonly type: 'state'; readonly rolloutId: string; readonly from: HostState; readonly to: HostState }
  /** The machine runs something else now. */
  | { readonly type: 'closure'; readonly from: string; readonly to: string }
  /** An event was answered; it leaves the outbox with a 2xx only. */
  | {
      readonly type: 'event-sent';
      readonly rolloutId: string;
      readonly kind: AgentEventKind;
      readonly seq: number;
      readonly status: number;
    }
  /** The agent's own reducer refused an event, or nobody was there to take it. */
  | {
      readonly type: 'event-dropped';
      readonly rolloutId: string;
      readonly kind: AgentEventKind;
      readonly reason: string;
    }
  /** An idle poll was answered far too early: a real agent would spin. */
  | { readonly type: 'hot-poll'; readonly heldMillis: number }
  | { readonly type: 'error'; readonly part: AgentPart; readonly message: string };

/** An event of the feed with its host and time. */
export type AgentFeedEntry = AgentFeedEvent & { readonly host: string; readonly at: Timestamp };

/** Receives the feed of any number of hosts. */
export type AgentFeed = (entry: AgentFeedEntry) => void;

/** The feed of one host, which need not name itself. */
export type Report = (event: AgentFeedEvent) => void;

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
